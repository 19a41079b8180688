import type { Condition, Reason } from '../../api/condition.ts';
import { CONNECTION_FINALIZER } from '../../api/names.ts';
import { serverOf, type ConnectionStatus } from '../../api/infisical-connection.ts';
import type { Fault } from '../../errors.ts';
import type { SessionState } from '../../infisical/session.ts';
import { formatInstant } from '../../instant.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { equal, mergePatch } from '../../kube/merge-patch.ts';
import type { Events } from '../../telemetry.ts';
import type { Cluster, ConnectionRecord } from '../ports.ts';
import { hold } from './hold.ts';
import type { Links } from './links.ts';

export interface ConnectionParts {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly events: Events;
}

/** What is left to do for a connection: `again` in milliseconds, undefined = an event will tell. */
export interface ConnectionOutcome {
  readonly again?: number;
  readonly faulted?: boolean;
}

/**
 * Brings one InfisicalConnection into order: logs in, and says in its status whether that worked, when, and against
 * which server. Logs in again by itself while it does not. Keeps the connection while leases need it: one that is being
 * deleted works until they are gone.
 */
export async function reconcileConnection(parts: ConnectionParts, key: string): Promise<ConnectionOutcome> {
  const { cluster, links } = parts;
  const seen = cluster.connections.get(key);
  if (seen === undefined) {
    links.drop(key);
    return {};
  }
  const held = await hold(cluster, seen);
  if (held.state === 'changed') return { again: 0 };
  // On its way, and not ours to keep.
  if (held.state === 'free' && seen.deletedAt !== undefined) return {};
  return connect(parts, held.connection);
}

/** Logs in, where that is not done yet, and reports. */
async function connect(
  { cluster, links, events }: ConnectionParts,
  connection: ConnectionRecord,
): Promise<ConnectionOutcome> {
  const found = links.of(connection);
  const state = found.ok ? await found.link.ready() : ({ ...found, state: 'refused' } as const);
  const raised = 'fault' in state ? state.fault : undefined;
  const session = found.ok ? found.link.client.session.state() : undefined;
  const status = statusOf(connection, cluster.now(), raised, session);
  if (!(await write(cluster, connection, status))) return { again: 0 };
  if (isWaiting(status) && !isWaiting(connection.status)) tellInUse(events, connection);
  if (raised === undefined) return {};
  return { faulted: true, ...(state.state === 'failed' ? { again: state.again } : {}) };
}

const IN_USE = 'Deletion waits for the leases that use this connection.';

function isWaiting({ conditions = [] }: ConnectionStatus): boolean {
  return conditions.some(({ type, reason }) => type === 'Reconciling' && reason === 'InUse');
}

function tellInUse(events: Events, { namespace, name, uid }: ConnectionRecord): void {
  events.note({ kind: 'InfisicalConnection', namespace, name, uid }, 'InUse', IN_USE);
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
    conditions: conditionsOf(connection, now, raised),
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

/** Whether we keep it from going. */
function isHeldUp({ deletedAt, finalizers }: ConnectionRecord): boolean {
  return deletedAt !== undefined && finalizers.includes(CONNECTION_FINALIZER);
}

function underWay(raised: Fault | undefined): Words {
  return raised === undefined
    ? ['Reconciling', false, 'Settled', 'Nothing is under way.']
    : ['Reconciling', true, raised.code, raised.message];
}
