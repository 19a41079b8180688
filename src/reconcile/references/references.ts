import { z } from 'zod';

import { objectName } from '../../api/object.ts';
import type { ConnectionRecord, DynamicSecretRecord } from '../ports.ts';

/** An object that another takes a credential, a certificate or a CA from. */
export interface Reference {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
}

/** The fields that name one key of an object, wherever they stand in a spec. */
const fields: Readonly<Record<string, Reference['kind']>> = {
  secretKeyRef: 'Secret',
  configMapKeyRef: 'ConfigMap',
};

/** More than a spec can name, and deeper than it can go: bounds for a walk that knows no field but those. */
const MOST_REFERENCES = 16;
const MOST_DEPTH = 8;

const named = z.object({ name: objectName });

/**
 * What a connection refers to, each object once, however many of its keys are named and wherever in the spec. None
 * where the spec cannot be read.
 *
 * @param home namespace of the objects that cluster connections name.
 */
export function referencesOf(
  { kind, namespace, spec }: Pick<ConnectionRecord, 'kind' | 'namespace' | 'spec'>,
  home: string,
): readonly Reference[] {
  if (!spec.valid) return [];
  return referencesIn(spec.value, kind === 'ClusterInfisicalConnection' ? home : namespace);
}

/**
 * What a DynamicSecret takes inputs from. Its provider's inputs are no place for references, whatever they are called.
 */
export function sourcesOf({
  namespace,
  spec,
}: Pick<DynamicSecretRecord, 'namespace' | 'spec'>): readonly Reference[] {
  return spec.valid ? referencesIn(spec.value.inputsFrom ?? [], namespace) : [];
}

function referencesIn(value: unknown, within: string): readonly Reference[] {
  const found = new Map<string, Reference>();
  for (const name of namesIn(value, 0)) {
    if (found.size >= MOST_REFERENCES) break;
    const reference = { ...name, namespace: within };
    found.set(referenceKey(reference), reference);
  }
  return [...found.values()];
}

/** The same for the same object, and for no other. */
export function referenceKey({ kind, namespace, name }: Reference): string {
  return `${kind} ${namespace}/${name}`;
}

function* namesIn(value: unknown, depth: number): Generator<Omit<Reference, 'namespace'>> {
  if (typeof value !== 'object' || value === null || depth > MOST_DEPTH) return;
  for (const [field, inner] of Object.entries(value)) {
    const kind = Object.hasOwn(fields, field) ? fields[field] : undefined;
    const name = kind === undefined ? undefined : named.safeParse(inner).data?.name;
    if (kind !== undefined && name !== undefined) yield { kind, name };
    else yield* namesIn(inner, depth + 1);
  }
}
