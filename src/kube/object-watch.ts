import { z } from 'zod';

import { KubeError } from './kube-error.ts';
import { objectKey } from './object-key.ts';
import { quietLog } from './quiet-log.ts';
import { startReflector, type ReflectorOptions } from './reflector.ts';
import type { StoreRecord } from './store.ts';

export interface ObjectWatchOptions extends Pick<
  ReflectorOptions<StoreRecord, never>,
  'resource' | 'clock' | 'timing' | 'log' | 'metrics'
> {
  readonly namespace: string;
  /** A valid name: it is put into a field selector as it is. */
  readonly name: string;
  /** The object is no longer as it was first seen, or last; also when it has come, or come back. Not when it goes. */
  readonly onChange: () => void;
  /** The rights do not allow it: the watch has ended, and is not taken up again. */
  readonly onForbidden: () => void;
}

/** A watch of one object by its name, whether it exists or not. Of the object nothing but its metadata leaves the server. */
export interface ObjectWatch {
  /** Elapsed milliseconds when it was first known whether the object exists, and in which state; undefined before. */
  readonly sightedAt: number | undefined;
  /** Whether a change may be missed for now. It is told once the watch works again. */
  readonly isBroken: boolean;
  /** Nothing is told any more. Resolves when the watch has ended. */
  close(): Promise<void>;
}

/**
 * Watches one object. Needs the right to `watch` it, and to `list` it where the API server does not stream lists; for
 * both, one that is narrowed by `resourceNames` is enough, because the field selector names the object.
 */
export function watchObject(options: ObjectWatchOptions): ObjectWatch {
  const { namespace, name, clock, onChange, onForbidden } = options;
  const stop = new AbortController();
  let sightedAt: number | undefined;
  const reflector = startReflector<StoreRecord>({
    ...options,
    project,
    indexes: {},
    namespaces: [namespace],
    fieldSelector: `metadata.name=${name}`,
    metadataOnly: true,
    // Many such watches break off together with those of whole kinds, which say so already.
    log: quietLog(options.log.with({ name })),
    signal: stop.signal,
    onFailure(failure) {
      if (!(failure instanceof KubeError) || failure.status !== 403) return;
      stop.abort();
      onForbidden();
    },
  });
  reflector.synced().then(
    () => void (sightedAt = clock.elapsed()),
    // Ended before.
    () => undefined,
  );
  reflector.store.subscribe((_key, _before, after) => {
    // What the first list holds is how it was found.
    if (after !== undefined && reflector.hasSynced && !stop.signal.aborted) onChange();
  });
  return {
    get sightedAt() {
      return sightedAt;
    },
    get isBroken() {
      return reflector.isBroken;
    },
    async close() {
      stop.abort();
      await reflector.ended;
    },
  };
}

const identified = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
  }),
});

function project(object: unknown): StoreRecord {
  const { namespace, name, uid, resourceVersion } = identified.parse(object).metadata;
  return { key: objectKey(namespace, name), uid, resourceVersion };
}
