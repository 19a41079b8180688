import type { Clock } from '../../clock.ts';
import type { LeasePlace } from '../../api/asked.ts';
import type { Lease, LeaseRef, Target } from '../../api/lease.ts';
import type { LeaseClient } from '../../infisical/client.ts';
import type { Events, EventSubject, Log, Metrics } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { Links } from '../connection/links.ts';
import type { Cluster, LeaseRecord } from '../ports.ts';
import type { MemoryStore, Remembered } from './memory.ts';
import { follow } from './resolve.ts';

export type LookSoon = (namespace: string, ref: LeaseRef, at: number) => void;

/** What every step of a lease works with. */
export interface LeaseParts {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly memories: MemoryStore;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly events: Events;
  /** Which installation of leaseholder this is: the first part of each tag. */
  readonly install: string;
  /**
   * Asks for a list of the dynamic secret that a lease is of, with its sweep, at so many elapsed milliseconds: when
   * something was left behind that only the sweep can find.
   */
  readonly lookSoon: LookSoon;
}

/** One object during one pass: the parts, and short ways to what is its own. */
export interface LeasePass extends LeaseParts {
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  /** The object, as events name it. */
  readonly subject: EventSubject;
  memory(): Remembered;
  remember(change: Partial<Remembered>): void;
  /** The client by which a lease can be asked about. */
  clientFor(ref: Pick<LeaseRef, 'connection'>): LeaseClient | undefined;
  /** Where a lease is listed now; see {@link follow}. */
  targetNow(ref: LeasePlace): Target;
}

export function leasePass(parts: LeaseParts, key: string, uid: string): LeasePass {
  const { memories, links } = parts;
  const slash = key.indexOf('/');
  const [namespace, name] = [key.slice(0, slash), key.slice(slash + 1)];
  return {
    ...parts,
    log: parts.log.with({ object: key }),
    key,
    uid,
    namespace,
    subject: { kind: 'DynamicSecretLease', namespace, name, uid },
    memory: () => memories.of(uid),
    remember: (change) => memories.update(key, uid, change),
    clientFor: (ref) => links.towards(namespace, ref.connection)?.client,
    targetNow: (ref) => follow(parts.cluster, namespace, ref, parts.cluster.leases.get(key)),
  };
}

/** The server's own tag says that a lease is of another object, or of another installation: a cluster that was cloned. */
export function isTagOfAnother({ uid, install }: LeasePass, { tag }: Lease): boolean {
  return tag !== undefined && (tag.install !== install || tag.object !== uid);
}

/** What a step leaves behind: `again` = decide anew at once; `rest` = nothing more to do now. */
export type StepResult = 'again' | 'rest';

/** The key of the Secret that a lease object fills. */
export function secretKeyOf(object: Pick<LeaseRecord, 'namespace' | 'name' | 'spec'>): string {
  const declared = object.spec.valid ? object.spec.value.secret?.name : undefined;
  return `${object.namespace}/${declared ?? object.name}`;
}
