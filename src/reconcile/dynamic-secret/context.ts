import type { Clock } from '../../clock.ts';
import { nameOf, namespaceOf } from '../../kube/object-key.ts';
import type { Events, EventSubject, Log, Metrics } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { Links } from '../connection/links.ts';
import type { Cluster } from '../ports.ts';
import type { DynamicSecretMemories, Remembered } from './memory.ts';

/** What every step of a DynamicSecret works with. */
export interface DynamicSecretParts {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly memories: DynamicSecretMemories;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly events: Events;
}

/** One object during one pass: the parts, and short ways to what is its own. */
export interface DynamicSecretPass extends Omit<DynamicSecretParts, 'memories'> {
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  /** The object, as events name it. */
  readonly subject: EventSubject;
  memory(): Remembered;
  remember(change: Partial<Remembered>): void;
}

/** A pass over the object that has this uid. */
export function dynamicSecretPass(parts: DynamicSecretParts, key: string, uid: string): DynamicSecretPass {
  const { memories, ...others } = parts;
  const [namespace, name] = [namespaceOf(key), nameOf(key)];
  return {
    ...others,
    log: parts.log.with({ object: key }),
    key,
    uid,
    namespace,
    subject: { kind: 'DynamicSecret', namespace, name, uid },
    memory: () => memories.of(uid),
    remember: (change) => memories.update(uid, change),
  };
}

/** What a step leaves behind: `again` = decide anew at once; `rest` = nothing more to do now. */
export type StepResult = 'again' | 'rest';
