import { CONNECTION_FINALIZER, GROUP } from './names.ts';

/**
 * On a DynamicSecretLease or a DynamicSecret: which release of the operator serves it, by the name of its shard. On a
 * connection: which one writes its status. On a Secret: which one wrote it last. Without it: the release without a shard.
 */
export const SHARD_LABEL = `${GROUP}/shard`;

/**
 * The name of a shard; undefined stands for the objects without the label, and for the release that serves them. Each
 * object has exactly one, so that no two releases serve the same object, and none is between them.
 */
export type Shard = string | undefined;

/** The most characters of a shard's name: it is a part of other names. */
export const LONGEST_SHARD = 40;

/** The shard that labels tell. */
export function shardOf(labels: Readonly<Record<string, string>>): Shard {
  return labels[SHARD_LABEL];
}

/** Selects the objects of a shard, on the server's side. */
export function shardSelector(shard: Shard): string {
  return shard === undefined ? `!${SHARD_LABEL}` : `${SHARD_LABEL}=${shard}`;
}

/** The labels by which what a shard writes is known as its own. */
export function shardLabels(shard: Shard): Readonly<Record<string, string>> {
  return shard === undefined ? {} : { [SHARD_LABEL]: shard };
}

/** By which a shard keeps a connection while it needs it: each its own, so that none lets go for another. */
export function connectionFinalizerOf(shard: Shard): string {
  return shard === undefined ? CONNECTION_FINALIZER : `${CONNECTION_FINALIZER}-${shard}`;
}

/** Whether a finalizer is that of any shard. */
export function isConnectionFinalizer(finalizer: string): boolean {
  return finalizer === CONNECTION_FINALIZER || finalizer.startsWith(`${CONNECTION_FINALIZER}-`);
}
