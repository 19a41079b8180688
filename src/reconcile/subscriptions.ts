import { connectionFinalizerOf } from '../api/shard.ts';
import type { Controller } from '../controller/controller.ts';
import { equal } from '../kube/merge-patch.ts';
import { objectKey } from '../kube/object-key.ts';
import { isNewsToLeases, refName } from '../lease/target.ts';
import type { Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import type { WatchedStores } from './cluster.ts';
import { clusterConnectionsOf, isUser, usesOf } from './connection/in-use.ts';
import type { Links } from './connection/links.ts';
import { leasesThrough, usersOf } from './indexes.ts';
import { secretKeyOf } from './lease/context.ts';
import type { Cluster, ConnectionRecord, DynamicSecretRecord, LeaseRecord } from './ports.ts';
import { isNewRestart, pendingOf } from './restart/pending.ts';
import { triggerNudges } from './nudge/triggers.ts';
import { standings } from './standing.ts';
import { surveyOf } from './survey.ts';

type Kinds = 'lease' | 'connection' | 'dynamic-secret' | 'restart' | 'nudge';

interface Served {
  readonly stores: WatchedStores;
  readonly controllers: Readonly<Record<Kinds, Pick<Controller, 'enqueue' | 'enqueueWithin'>>>;
}

export interface SubscriptionOptions extends Served {
  readonly cluster: Pick<Cluster, 'connections' | 'pods' | 'shard'>;
  readonly timing: Pick<Timing, 'usesDelay'>;
  readonly metrics: Pick<Metrics, 'leases' | 'dynamicSecrets' | 'connections' | 'surveyLeases'>;
  readonly links: Pick<Links, 'release'>;
  /** A DynamicSecret of this uid is gone. */
  readonly forget: (uid: string) => void;
}

/**
 * Has every object looked at that a change may matter to, and at the start all of them; counts them by how they stand.
 *
 * @returns what ends it.
 */
export function subscribe(options: SubscriptionOptions): () => void {
  const { stores, cluster, timing, metrics, controllers, links, forget } = options;
  const countLeases = standings<LeaseRecord>((counts) => metrics.leases(counts));
  const countDeclared = standings<DynamicSecretRecord>((counts) => metrics.dynamicSecrets(counts));
  const countConnections = standings<ConnectionRecord>((counts) => metrics.connections(counts));

  const lookAtConnections = (namespace: string): void => {
    for (const { key } of cluster.connections.inNamespace(namespace)) controllers.connection.enqueue(key);
  };
  const lookAtDeclared = (namespace: string): void => {
    for (const { key } of stores.dynamicSecrets.byIndex('byNamespace', namespace))
      controllers['dynamic-secret'].enqueue(key);
  };
  const lookAtGrantees = (namespace: string): void => {
    for (const lease of stores.leases.byIndex('byNamespace', namespace))
      if (mayNeedGrant(lease)) controllers.lease.enqueue(lease.key);
  };
  const ownFinalizer = connectionFinalizerOf(cluster.shard);
  const lookAtUse = ({ key, finalizers, deletedAt }: ConnectionRecord): void => {
    const kept = finalizers.includes(ownFinalizer) && deletedAt === undefined;
    if (kept) controllers.connection.enqueueWithin(key, timing.usesDelay);
    else controllers.connection.enqueue(key);
  };
  /** A connection is kept while it is in use. */
  const noteUse = (before: User | undefined, after: User | undefined): void => {
    const { namespace } = before ?? after ?? {};
    if (namespace === undefined || usesOf(before) === usesOf(after)) return;
    const shared = [...clusterConnectionsOf(before), ...clusterConnectionsOf(after)];
    const used = shared.flatMap((key) => cluster.connections.get(key) ?? []);
    for (const connection of [...cluster.connections.inNamespace(namespace), ...used]) lookAtUse(connection);
  };
  const endings = [
    stores.leases.subscribe((key, before, after) => {
      countLeases(before, after);
      controllers.lease.enqueue(key);
      if (after !== undefined && isNewRestart(before, after)) controllers.restart.enqueue(after.namespace);
      if (before !== undefined && after === undefined) links.release(before.namespace);
      noteUse(before, after);
      for (const waiting of waitingFor(stores, before, after)) controllers.lease.enqueue(waiting);
      for (const declared of letGo(stores, before, after)) controllers['dynamic-secret'].enqueue(declared);
      // A DynamicSecret stays while leases refer to it, and says how many do.
      const [left, came] = [referredBy(before), referredBy(after)];
      if (left === came) return;
      for (const declared of [left, came])
        if (declared !== undefined) controllers['dynamic-secret'].enqueue(declared);
    }),
    stores.dynamicSecrets.subscribe((key, before, after) => {
      countDeclared(before, after);
      controllers['dynamic-secret'].enqueue(key);
      if (before !== undefined && after === undefined) {
        forget(before.uid);
        links.release(before.namespace);
      }
      noteUse(before, after);
      // What its leases target may be another, or be known only now.
      if (!isNewsToLeases(before, after)) return;
      for (const lease of stores.leases.byIndex('byDynamicSecret', key)) controllers.lease.enqueue(lease.key);
    }),
    stores.secrets.subscribe((key) => {
      for (const lease of stores.leases.byIndex('bySecret', key)) controllers.lease.enqueue(lease.key);
    }),
    stores.namespaces.subscribe((namespace, before, after) => {
      // What is granted to a namespace may depend on its labels, and how long a removal is waited for on its end.
      const granted = !equal(before?.labels, after?.labels);
      if (granted || before?.terminating !== after?.terminating) lookAtDeclared(namespace);
      if (granted) lookAtGrantees(namespace);
    }),
    stores.connections.subscribe((key, before, after) => {
      countConnections(before, after);
      controllers.connection.enqueue(key);
      // Another may have to be kept in its place.
      const { namespace } = before ?? after ?? {};
      if (namespace !== undefined && mattersToOthers(before, after)) lookAtConnections(namespace);
      const { uid } = before ?? after ?? { uid: '' };
      if (mattersToLeases(before, after)) lookAtUsers(options, { key, uid });
    }),
  ];
  if (cluster.pods !== undefined) {
    const enqueue = (key: string, priority?: 'background'): void => controllers.nudge.enqueue(key, priority);
    endings.push(triggerNudges({ leases: stores.leases, pods: cluster.pods, enqueue }));
  }
  for (const connection of stores.connections.values()) {
    countConnections(undefined, connection);
    controllers.connection.enqueue(connection.key);
  }
  for (const declared of stores.dynamicSecrets.values()) {
    countDeclared(undefined, declared);
    controllers['dynamic-secret'].enqueue(declared.key, 'background');
  }
  for (const lease of stores.leases.values()) {
    countLeases(undefined, lease);
    controllers.lease.enqueue(lease.key, 'background');
    if (pendingOf(lease) !== undefined) controllers.restart.enqueue(lease.namespace, 'background');
  }
  metrics.surveyLeases(() => surveyOf(stores.leases.values()));
  return () => {
    metrics.surveyLeases(undefined);
    for (const end of endings) end();
  };
}

type User = LeaseRecord | DynamicSecretRecord;

/** The objects that name a Secret which another has let go: it names another one by now, or is on its way. */
function waitingFor(
  { leases }: Pick<WatchedStores, 'leases'>,
  before: LeaseRecord | undefined,
  after: LeaseRecord | undefined,
): readonly string[] {
  if (before === undefined || claimedBy(before) === claimedBy(after)) return [];
  return leases
    .byIndex('bySecret', secretKeyOf(before))
    .map(({ key }) => key)
    .filter((key) => key !== before.key);
}

function claimedBy(lease: LeaseRecord | undefined): string | undefined {
  return lease?.deletedAt === undefined && lease !== undefined ? secretKeyOf(lease) : undefined;
}

/** The DynamicSecrets that are being deleted and that an object has no leases of any more. */
function letGo(
  { dynamicSecrets }: Pick<WatchedStores, 'dynamicSecrets'>,
  before: LeaseRecord | undefined,
  after: LeaseRecord | undefined,
): readonly string[] {
  const kept = new Set(lendersOf(after));
  const gone = new Set(lendersOf(before).filter((id) => !kept.has(id)));
  if (before === undefined || gone.size === 0) return [];
  return dynamicSecrets
    .byIndex('byNamespace', before.namespace)
    .filter(({ deletedAt, status }) => deletedAt !== undefined && gone.has(status.dynamicSecret?.id ?? ''))
    .map(({ key }) => key);
}

/** The server's ids of the declared dynamic secrets that an object has leases of. */
function lendersOf(lease: LeaseRecord | undefined): readonly string[] {
  const { status } = lease ?? {};
  return [status?.lease, ...(status?.retiring ?? [])].flatMap((ref) => ref?.dynamicSecretId ?? []);
}

/** Has everybody looked at who uses a connection: by its name, or by a DynamicSecret that does. */
export function lookAtUsers(
  { stores, controllers }: Served,
  connection: Pick<ConnectionRecord, 'key' | 'uid'>,
): void {
  for (const { key } of leasesThrough(stores, connection)) controllers.lease.enqueue(key);
  for (const { key } of usersOf(stores.dynamicSecrets, connection))
    controllers['dynamic-secret'].enqueue(key);
}

/** The key of the DynamicSecret that a lease keeps, while it does. */
function referredBy(lease: LeaseRecord | undefined): string | undefined {
  if (lease === undefined || !isUser(lease)) return undefined;
  const name = refName(lease);
  return name === undefined ? undefined : objectKey(lease.namespace, name);
}

/** Of what a lease refers to by a DynamicSecret only that one knows the connection. */
function mayNeedGrant(lease: LeaseRecord): boolean {
  return clusterConnectionsOf(lease).length > 0 || refName(lease) !== undefined;
}

/** Where a connection leads, and whether it stays. */
function mattersToOthers(before: ConnectionRecord | undefined, after: ConnectionRecord | undefined): boolean {
  return (
    before?.uid !== after?.uid ||
    before?.generation !== after?.generation ||
    before?.deletedAt !== after?.deletedAt
  );
}

/** A connection's login times are no news to its leases; its spec, its coming and going, and whether it works are. */
function mattersToLeases(before: ConnectionRecord | undefined, after: ConnectionRecord | undefined): boolean {
  return (
    before?.uid !== after?.uid ||
    before?.generation !== after?.generation ||
    readiness(before) !== readiness(after)
  );
}

function readiness(connection: ConnectionRecord | undefined): string {
  const ready = connection?.status.conditions?.find((condition) => condition.type === 'Ready');
  return `${ready?.status ?? ''} ${ready?.reason ?? ''}`;
}
