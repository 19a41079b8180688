import type { Condition, Reason } from '../../api/condition.ts';
import { methodOf, serverOf, type ConnectionStatus } from '../../api/infisical-connection.ts';
import { isConnectionFinalizer } from '../../api/shard.ts';
import type { Fault } from '../../errors.ts';
import type { SessionState } from '../../infisical/session.ts';
import { formatInstant } from '../../instant.ts';
import type { ConnectionRecord } from '../ports.ts';

/** What is said of a connection that is being deleted while something needs it. */
export const IN_USE = 'Deletion waits for the leases and dynamic secrets that use this connection.';

/** What was found out about a connection. */
export interface Findings {
  /** Milliseconds since 1970 by the Kubernetes API's clock. */
  readonly now: number;
  /** Why it cannot be used. */
  readonly raised: Fault | undefined;
  /** Undefined where its spec does not lead to a server. */
  readonly session: SessionState | undefined;
  /** How many objects use it. */
  readonly served: number;
}

/** The status of a connection. */
export function statusOf(
  connection: ConnectionRecord,
  { now, raised, session, served }: Findings,
): ConnectionStatus {
  const { status, spec, generation } = connection;
  const lastLogin = lastLoginOf(status, session, now);
  const method = spec.valid ? methodOf(spec.value) : undefined;
  const until = session?.kind === 'loggedIn' ? session.until : undefined;
  return {
    observedGeneration: generation,
    conditions: conditionsOf(connection, now, raised),
    ...(spec.valid ? { host: serverOf(spec.value.hostAPI) } : {}),
    ...(method === undefined ? {} : { method }),
    ...(lastLogin === undefined ? {} : { lastLogin }),
    ...(until === undefined ? {} : { sessionEnds: formatInstant(until) }),
    served,
  };
}

/** The last login. A refusal of the same kind again is no news, and no write. */
function lastLoginOf(
  status: ConnectionStatus,
  session: SessionState | undefined,
  now: number,
): ConnectionStatus['lastLogin'] {
  if (session === undefined || session.kind === 'none') return status.lastLogin;
  const succeeded = session.kind === 'loggedIn';
  if (!succeeded && status.lastLogin?.succeeded === false) return status.lastLogin;
  return { succeeded, at: formatInstant(session.at ?? now) };
}

type Words = readonly [type: string, holds: boolean, reason: Reason, message: string];

function conditionsOf(connection: ConnectionRecord, now: number, raised: Fault | undefined): Condition[] {
  const { status: reported, generation } = connection;
  const { conditions: before = [] } = reported;
  const stalled = raised?.retry === 'change';
  const words: readonly Words[] = [
    [
      'Ready',
      raised === undefined,
      raised?.code ?? 'LoggedIn',
      raised?.message ?? 'The server accepts the login.',
    ],
    isHeldUp(connection) ? ['Reconciling', true, 'InUse', IN_USE] : underWay(stalled ? undefined : raised),
    stalled
      ? ['Stalled', true, raised.code, raised.message]
      : ['Stalled', false, 'Accepted', 'The spec is accepted.'],
  ];
  return words.map(([type, holds, reason, message]) => {
    const status = holds ? 'True' : 'False';
    const last = before.find((one) => one.type === type);
    const lastTransitionTime = last?.status === status ? last.lastTransitionTime : formatInstant(now);
    return { type, status, observedGeneration: generation, lastTransitionTime, reason, message };
  });
}

/** Whether a shard, this one or another, keeps it from going. */
export function isHeldUp({
  deletedAt,
  finalizers,
}: Pick<ConnectionRecord, 'deletedAt' | 'finalizers'>): boolean {
  return deletedAt !== undefined && finalizers.some(isConnectionFinalizer);
}

function underWay(raised: Fault | undefined): Words {
  return raised === undefined
    ? ['Reconciling', false, 'Settled', 'Nothing is under way.']
    : ['Reconciling', true, raised.code, raised.message];
}
