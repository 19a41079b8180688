import { nextLook, nudgesOf, timeLeft, type NewCredentials } from '../../nudge/plan.ts';
import type { Events, Log, Metrics } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { Cluster, LeaseRecord, PodResource } from '../ports.ts';
import { nudge } from './nudge.ts';
import { wishOf } from './wish.ts';
import type { Retries } from './retries.ts';

export interface NudgeParts {
  readonly cluster: Pick<Cluster, 'pods' | 'now'> & { readonly leases: Pick<Cluster['leases'], 'get'> };
  /** Milliseconds since 1970 by the clock of the server that an object leases from; undefined while it is not known. */
  readonly serverNow: (object: LeaseRecord) => number | undefined;
  readonly retries: Retries;
  readonly timing: Pick<Timing, 'overlap' | 'clockSlack' | 'nudgeLook'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'nudged'>;
  readonly events: Events;
}

/** `again`: milliseconds until there is more to do; undefined: an event will tell. */
export interface NudgeOutcome {
  readonly again?: number;
  readonly faulted?: boolean;
}

/**
 * Nudges the pods that mount the Secret of an object, where its spec asks for it and the credentials in the Secret are new:
 * a kubelet looks at the Secrets of a pod again when the pod's metadata changes.
 *
 * | Situation | What happens |
 * | --- | --- |
 * | the operator nudges nothing, or the spec does not ask for it | nothing |
 * | the lease is older than `timing.overlap` | nothing: every kubelet has looked by itself |
 * | the pods are not known yet | another look |
 * | the rights do not let them be known | an event; they are nudged if they come to be known in time |
 * | a pod older than the lease mounts the Secret, and lacks the lease's id | it is annotated with it |
 * | that is refused, or fails | an event; it is tried again while it is of use |
 *
 * @param signal once aborted no further pod is begun.
 */
export async function reconcileNudges(
  parts: NudgeParts,
  key: string,
  signal: AbortSignal,
): Promise<NudgeOutcome> {
  const { cluster, timing, retries } = parts;
  const object = cluster.leases.get(key);
  const credentials = object && credentialsOf(parts, object);
  if (cluster.pods === undefined || object === undefined || credentials === undefined) {
    retries.forget(key);
    return {};
  }
  const left = (): number => timeLeft(credentials, cluster.now(), timing);
  const look: Look = { ...parts, pods: cluster.pods, object, credentials, left, signal };
  switch (left() === 0 ? 'over' : look.pods.knowledgeOf(object.namespace)) {
    case 'over':
      retries.forget(key);
      return {};
    case 'none':
      return lookAgain(timing.nudgeLook, left());
    case 'forbidden':
      warn(look, 'Forbidden');
      return { faulted: true };
    case 'full':
      return nudgeBehind(look);
  }
}

/** One look at one object whose credentials are new. */
interface Look extends NudgeParts {
  readonly pods: PodResource;
  readonly object: LeaseRecord;
  readonly credentials: NewCredentials;
  /** Milliseconds for which nudges are still of use. */
  readonly left: () => number;
  readonly signal: AbortSignal;
}

async function nudgeBehind(look: Look): Promise<NudgeOutcome> {
  const { cluster, pods, object, credentials, left, timing, retries, signal } = look;
  const { key, namespace } = object;
  // Changes of pods that were refused must not have it tried again all the time.
  const held = retries.untilNext(key, credentials.lease);
  if (held > 0) return lookAgain(held, left());
  const mounting = pods.mounting(namespace, credentials.secret);
  const meant = nudgesOf(credentials, mounting, cluster.now(), timing);
  const mayGoOn = (): boolean => !signal.aborted && left() > 0;
  const failure = await nudge({ ...look, log: look.log.with({ object: key }), mayGoOn }, credentials, meant);
  if (failure === undefined) {
    retries.forget(key);
    return {};
  }
  warn(look, failure);
  const outcome = lookAgain(retries.next(key, credentials.lease), left());
  if (outcome.again === undefined) retries.forget(key);
  return { ...outcome, faulted: true };
}

/** The credentials in the Secret of an object, their age measured by the clock that their lease was made by. */
function credentialsOf(
  { cluster, serverNow }: Pick<NudgeParts, 'cluster' | 'serverNow'>,
  object: LeaseRecord,
): NewCredentials | undefined {
  const wish = wishOf(object);
  if (wish === undefined) return undefined;
  const { createdAt, ...credentials } = wish;
  const now = cluster.now();
  const age = Math.max((serverNow(object) ?? now) - createdAt, 0);
  return { ...credentials, madeAt: now - age };
}

function lookAgain(wait: number, left: number): NudgeOutcome {
  const again = nextLook(wait, left);
  return again === undefined ? {} : { again };
}

function warn({ events, object, credentials }: Look, reason: string): void {
  const { namespace, name, uid } = object;
  const advice =
    reason === 'Forbidden'
      ? ' Bind the ClusterRole leaseholder-nudge to the operator (nudge.enabled of the chart), and check admission policies.'
      : '';
  events.warn(
    { kind: 'DynamicSecretLease', namespace, name, uid },
    'NudgeFailed',
    `Pods that mount Secret ${credentials.secret} could not be nudged (${reason}); they see new credentials within about a minute and a half, as without spec.secret.propagation Nudge.${advice}`,
  );
}
