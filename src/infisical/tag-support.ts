import type { LeaseTag, Target } from '../api/lease.ts';

/**
 * What is known of a dynamic secret and our tag: `kept` (a lease shows it again), `dropped` (the server ignores
 * `config`, as in 2024), `refused` (its type takes no `config` of ours, so requests go without).
 */
export type TagSupport = 'unknown' | 'kept' | 'dropped' | 'refused';

/** What one server's answers taught, for as long as the process lives. */
export interface TagSupportTable {
  of(target: Target): TagSupport;
  learn(target: Target, support: TagSupport): void;
}

export function tagSupportTable(): TagSupportTable {
  const known = new Map<string, TagSupport>();
  return {
    of: (target) => known.get(keyOf(target)) ?? 'unknown',
    learn: (target, support) => {
      known.set(keyOf(target), support);
    },
  };
}

/** Whether a lease shows the tag that its request carried. */
export function echoed(tag: LeaseTag, shown: LeaseTag | undefined): boolean {
  return (
    shown !== undefined &&
    shown.install === tag.install &&
    shown.object === tag.object &&
    shown.attempt === tag.attempt
  );
}

function keyOf({ projectSlug, environmentSlug, path, dynamicSecret }: Target): string {
  return JSON.stringify([projectSlug, environmentSlug, path, dynamicSecret]);
}
