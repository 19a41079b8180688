import type { Condition, ConditionType } from '../../api/condition.ts';
import type { ConnectionStatus } from '../../api/infisical-connection.ts';
import type { Clock } from '../../clock.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { equal, mergePatch } from '../../kube/merge-patch.ts';
import { earliest } from '../../lease/revocations.ts';
import type { Events, EventSubject } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { Cluster, ConnectionRecord } from '../ports.ts';
import { hold, type Hold } from './hold.ts';
import { isInUse, usersCount } from './in-use.ts';
import type { Links } from './links.ts';
import { IN_USE, isHeldUp, statusOf, type Findings } from './report.ts';

export interface ConnectionParts {
  readonly cluster: Cluster;
  readonly links: Links;
  readonly events: Events;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'servedInterval'>;
  /** When the status of a connection was last written, in elapsed milliseconds, by the connection's key. */
  readonly writtenAt: Map<string, number>;
}

/** What is left to do for a connection: `again` in milliseconds, undefined = an event will tell. */
export interface ConnectionOutcome {
  readonly again?: number;
  readonly faulted?: boolean;
}

/**
 * Brings one InfisicalConnection into order: logs in, and says in its status whether that worked, when, and against
 * which server. Logs in again by itself while it does not. Keeps the connection while leases need it: one that is being
 * deleted works until they are gone. Of several shards one writes the status, that of the connection's own label; another
 * logs in where it uses the connection, and says nothing.
 */
export async function reconcileConnection(parts: ConnectionParts, key: string): Promise<ConnectionOutcome> {
  const { cluster, links } = parts;
  const seen = cluster.connections.get(key);
  if (seen === undefined) {
    links.drop(key);
    parts.writtenAt.delete(key);
    return {};
  }
  const held = await hold(cluster, seen);
  if (held.state === 'changed') return { again: 0 };
  const reports = held.connection.shard === cluster.shard;
  if (held.state === 'free' && (!reports || isOnItsWay(held.connection))) return {};
  return connect(parts, held, reports);
}

/** Nobody keeps it. */
function isOnItsWay(connection: ConnectionRecord): boolean {
  return connection.deletedAt !== undefined && !isHeldUp(connection);
}

/** Logs in, where that is not done yet, and reports where that is this shard's. */
async function connect(
  parts: ConnectionParts,
  { state, connection }: Exclude<Hold, { readonly state: 'changed' }>,
  reports: boolean,
): Promise<ConnectionOutcome> {
  const { cluster } = parts;
  const { raised, session, again: retry } = await logIn(parts.links, connection);
  // Of users that came during the login the status tells only once the connection is held for them.
  if (state === 'free' && isInUse(connection, cluster)) return { again: 0 };
  const reported = reports ? await tellOf(parts, connection, { raised, session }) : {};
  if (reported === 'changed') return { again: 0 };
  const again = earliest([reported.again, retry]);
  return { ...(raised === undefined ? {} : { faulted: true }), ...(again === undefined ? {} : { again }) };
}

/** Says what was found out. `again`: milliseconds until it is worth a write. */
async function tellOf(
  parts: ConnectionParts,
  connection: ConnectionRecord,
  login: Pick<Findings, 'raised' | 'session'>,
): Promise<{ readonly again?: number } | 'changed'> {
  const { cluster } = parts;
  const served = usersCount(connection, cluster);
  const wanted = statusOf(connection, { now: cluster.now(), ...login, served });
  const pace = paceOf(parts, connection, wanted);
  if (pace.again === undefined && !(await write(parts, connection, wanted))) return 'changed';
  return pace;
}

interface Login extends Pick<Findings, 'raised' | 'session'> {
  /** Milliseconds until another try. */
  readonly again: number | undefined;
}

async function logIn(links: Links, connection: ConnectionRecord): Promise<Login> {
  const found = links.of(connection);
  if (!found.ok) return { raised: found.fault, session: undefined, again: undefined };
  const { link } = found;
  const state = await link.ready();
  const session = link.client.session.state();
  return state.state === 'failed'
    ? { raised: state.fault, session, again: state.again }
    : { raised: undefined, session, again: undefined };
}

/** The count alone is not worth a write at each lease that comes or goes. `again`: milliseconds until it is. */
function paceOf(
  { clock, timing, writtenAt }: ConnectionParts,
  { key, status }: ConnectionRecord,
  wanted: ConnectionStatus,
): { readonly again?: number } {
  if (!equal({ ...status, served: 0 }, { ...wanted, served: 0 }) || status.served === wanted.served)
    return {};
  const left = (writtenAt.get(key) ?? -Infinity) + timing.servedInterval - clock.elapsed();
  return left > 0 ? { again: left } : {};
}

/** @returns false when the object has changed meanwhile and must be looked at again. */
async function write(
  { cluster, events, clock, writtenAt }: ConnectionParts,
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
    writtenAt.set(connection.key, clock.elapsed());
    tell(events, connection, status);
    return true;
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    await cluster.connections.look(connection.key);
    return false;
  }
}

/** Tells what a person should notice: that it works no longer, or works again, or is being held. */
function tell(events: Events, connection: ConnectionRecord, status: ConnectionStatus): void {
  const { kind, namespace, name, uid } = connection;
  const subject: EventSubject = { kind, namespace, name, uid };
  const before = conditionOf(connection.status, 'Ready');
  const now = conditionOf(status, 'Ready');
  if (now === undefined) return;
  const worked = now.status === 'True';
  if (!worked && before?.reason !== now.reason) events.warn(subject, 'ConnectionFailed', now.message);
  // The first login is no news.
  if (worked && before?.status === 'False') events.note(subject, 'ConnectionReady', now.message);
  if (isWaiting(status) && !isWaiting(connection.status)) events.note(subject, 'InUse', IN_USE);
}

function conditionOf({ conditions = [] }: ConnectionStatus, wanted: ConditionType): Condition | undefined {
  return conditions.find(({ type }) => type === wanted);
}

function isWaiting(status: ConnectionStatus): boolean {
  return conditionOf(status, 'Reconciling')?.reason === 'InUse';
}
