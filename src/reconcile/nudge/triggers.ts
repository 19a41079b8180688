import { objectKey } from '../../kube/object-key.ts';
import type { Store } from '../../kube/store.ts';
import { isBehind } from '../../nudge/plan.ts';
import type { LeaseIndex } from '../indexes.ts';
import type { LeaseRecord, PodRecord, PodResource } from '../ports.ts';
import { wishOf } from './wish.ts';

export interface NudgeTriggers {
  readonly leases: Pick<Store<LeaseRecord, LeaseIndex>, 'values' | 'subscribe' | 'byIndex'>;
  readonly pods: Pick<PodResource, 'follow'>;
  /** An object whose pods may have to be nudged. */
  readonly enqueue: (key: string, priority?: 'background') => void;
}

/**
 * Has the objects looked at whose pods may have to be nudged: when they change, when pods that are behind come to be known,
 * and at the start all of them.
 *
 * @returns what ends it.
 */
export function triggerNudges({ leases, pods, enqueue }: NudgeTriggers): () => void {
  const ends = [
    leases.subscribe((key, _before, after) => {
      if (after !== undefined && wishOf(after) !== undefined) enqueue(key);
    }),
    pods.follow((pod) => {
      for (const key of behind(leases, pod)) enqueue(key);
    }),
  ];
  for (const lease of leases.values()) if (wishOf(lease) !== undefined) enqueue(lease.key, 'background');
  return () => {
    for (const end of ends) end();
  };
}

/** The objects that a pod is behind of. */
function behind(leases: NudgeTriggers['leases'], pod: PodRecord): readonly string[] {
  return pod.secrets
    .flatMap((secret) => leases.byIndex('bySecret', objectKey(pod.namespace, secret)))
    .filter((lease) => {
      const wish = wishOf(lease);
      return wish !== undefined && isBehind(pod, wish);
    })
    .map(({ key }) => key);
}
