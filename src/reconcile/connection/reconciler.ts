import type { Condition, Reason } from '../../api/condition.ts';
import { serverOf, type ConnectionStatus } from '../../api/infisical-connection.ts';
import type { Clock } from '../../clock.ts';
import type { Fault } from '../../errors.ts';
import type { SessionState } from '../../infisical/session.ts';
import { formatInstant } from '../../instant.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { equal, mergePatch } from '../../kube/merge-patch.ts';
import type { Cluster, ConnectionRecord } from '../ports.ts';
import type { Links } from './links.ts';

export interface ConnectionParts {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly clock: Clock;
}

/**
 * Brings one InfisicalConnection into order: logs in, and says in its status whether that worked, when, and against
 * which server. Logs in again by itself while it does not.
 */
export async function reconcileConnection(
  { cluster, links }: ConnectionParts,
  key: string,
): Promise<{ again?: number; faulted?: boolean }> {
  const connection = cluster.connections.get(key);
  if (connection === undefined) {
    links.drop(key);
    return {};
  }
  const found = links.of(connection);
  if (!found.ok) {
    await write(cluster, connection, statusOf(connection, cluster.now(), found.fault, undefined));
    return { faulted: true };
  }
  const state = await found.link.ready();
  const raised = state.state === 'failed' ? state.fault : undefined;
  const session = found.link.client.session.state();
  const written = await write(cluster, connection, statusOf(connection, cluster.now(), raised, session));
  if (!written) return { again: 0 };
  return state.state === 'failed' ? { again: state.again, faulted: true } : {};
}

/** @returns false when the object has changed meanwhile and must be looked at again. */
async function write(
  cluster: Cluster,
  connection: ConnectionRecord,
  status: ConnectionStatus,
): Promise<boolean> {
  if (equal(connection.status, status)) return true;
  const body = {
    metadata: { resourceVersion: connection.resourceVersion },
    status: mergePatch(connection.status, status),
  };
  try {
    await cluster.connections.patchStatus(connection.key, body);
    return true;
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    await cluster.connections.look(connection.key);
    return false;
  }
}

function statusOf(
  connection: ConnectionRecord,
  now: number,
  raised: Fault | undefined,
  session: SessionState | undefined,
): ConnectionStatus {
  const { status, spec, generation } = connection;
  const lastLogin = lastLoginOf(status, session, now);
  return {
    observedGeneration: generation,
    conditions: conditionsOf(status.conditions ?? [], generation, now, raised),
    ...(spec.valid ? { host: serverOf(spec.value.hostAPI) } : {}),
    ...(lastLogin === undefined ? {} : { lastLogin }),
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

function conditionsOf(
  before: readonly Condition[],
  generation: number,
  now: number,
  raised: Fault | undefined,
): Condition[] {
  const stalled = raised?.retry === 'change';
  const words: readonly (readonly [string, boolean, Reason, string])[] = [
    [
      'Ready',
      raised === undefined,
      raised?.code ?? 'LoggedIn',
      raised?.message ?? 'The server accepts the login.',
    ],
    raised === undefined || stalled
      ? ['Reconciling', false, 'Settled', 'Nothing is under way.']
      : ['Reconciling', true, raised.code, raised.message],
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
