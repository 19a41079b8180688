import type { DynamicSecretPlace, DynamicSecretSpec } from '../api/dynamic-secret.ts';
import type { Target } from '../api/lease.ts';

/** What the spec asks for, as requests name it. */
export function declaredTarget({ projectSlug, environmentSlug, path, name }: DynamicSecretSpec): Target {
  return { projectSlug, environmentSlug, path, dynamicSecret: name };
}

/** Where it is, as requests name it. */
export function placeTarget({ projectSlug, environmentSlug, path, name }: DynamicSecretPlace): Target {
  return { projectSlug, environmentSlug, path, dynamicSecret: name };
}

/** Another name in the same folder. */
export function named(folder: Target, name: string): Target {
  return { ...folder, dynamicSecret: name };
}

export function sameTarget(one: Target, other: Target): boolean {
  return (
    one.dynamicSecret === other.dynamicSecret &&
    one.path === other.path &&
    one.environmentSlug === other.environmentSlug &&
    one.projectSlug === other.projectSlug
  );
}
