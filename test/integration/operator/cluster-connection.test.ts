import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { CONNECTION_FINALIZER } from '../../../src/api/names.ts';
import { connectionRecord } from '../../../src/reconcile/records.ts';
import type { ConnectionRecord, LeaseRecord } from '../../../src/reconcile/ports.ts';
import { conditionOf, isReady, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { clusterConnection, type ClusterConnection } from './support/cluster-connection.ts';
import { EARLY_ROTATION } from './support/own-lease.ts';

type Spec = Readonly<Record<string, unknown>>;

const PLACES = [
  { projectSlug: 'shop', environmentSlug: 'prod', path: '/' },
  { projectSlug: 'shop', environmentSlug: 'prod', path: '/team' },
  { projectSlug: 'shop', environmentSlug: 'prod', path: '/team/orders' },
  { projectSlug: 'shop', environmentSlug: 'prod', path: '/teams' },
  { projectSlug: 'shop', environmentSlug: 'dev', path: '/' },
  { projectSlug: 'stock', environmentSlug: 'prod', path: '/' },
] as const;
type Place = (typeof PLACES)[number];

const [ROOT, TEAM, ORDERS, TEAMS, DEV, STOCK] = PLACES;

const everybody = { namespaceSelector: {} };

function team(name: string): object {
  return { namespaceSelector: { matchLabels: { team: name } } };
}

function namespace(name: string, labels: Spec = {}): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

/** @param within the namespace of the object; where it is not said, that of the connection's name. */
function leaseThrough(name: string, place: Place, spec: Spec = {}, within = name): object {
  return leaseManifest(
    'postgres',
    {
      connectionRef: { kind: 'ClusterInfisicalConnection', name },
      dynamicSecret: { name: 'postgres', ...place },
      ...spec,
    },
    { namespace: within },
  );
}

function reason(lease: LeaseRecord): string {
  return conditionOf(lease, 'Ready')?.reason ?? '';
}

function isRefused(lease: LeaseRecord): boolean {
  return reason(lease) === 'NotGranted';
}

/** One server, one operator for the whole cluster; each test has cluster connections and namespaces of its own. */
describe.concurrent('a cluster connection', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    const folders = ['/team', '/team/orders', '/teams'];
    const environments = ['prod', 'dev'].map((slug) => ({ slug, folders }));
    for (const slug of ['shop', 'stock']) await stage.api.seedProject({ slug, environments });
    for (const place of PLACES) await stage.api.seedDynamicSecret({ ...place, name: 'postgres' });
    await stage.startOperator({ scale: 0.05 });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const until = (
    within: string,
    probe: (lease: LeaseRecord) => boolean,
    timeoutMs = 60_000,
  ): Promise<LeaseRecord> => {
    let seen: LeaseRecord | undefined;
    return awaitCondition(
      async () => {
        seen = await stage.lease('postgres', within);
        return seen !== undefined && probe(seen) ? seen : undefined;
      },
      { what: `the lease of ${within}`, timeoutMs, intervalMs: 50 },
    ).catch(() => {
      throw new Error(`Waited for the lease of ${within}; it is ${JSON.stringify(seen?.status)}`);
    });
  };

  async function shared(name: string): Promise<ConnectionRecord | undefined> {
    const raw = await stage.read(`/apis/leaseholder.dev/v1alpha1/clusterinfisicalconnections/${name}`);
    return raw === undefined ? undefined : connectionRecord(raw);
  }

  describe.concurrent('grants', () => {
    it.each<[id: string, what: string, grants: readonly object[], place: Place]>([
      ['g1', 'by name', [{ namespaces: ['g1'] }], ROOT],
      ['g2', 'to every namespace', [everybody], STOCK],
      ['g3', 'by a label', [team('g3')], ROOT],
      ['g4', 'a project', [{ ...everybody, projects: ['shop', 'stock'] }], STOCK],
      ['g5', 'an environment', [{ ...everybody, environments: ['dev'] }], DEV],
      ['g6', 'a folder', [{ ...everybody, pathPrefixes: ['/team'] }], TEAM],
      ['g7', 'what is in a folder', [{ ...everybody, pathPrefixes: ['/team'] }], ORDERS],
      ['g8', 'by one of several', [{ namespaces: ['other'] }, { ...team('g8'), projects: ['shop'] }], TEAMS],
    ])('%s: %s', async (id, _what, grants, place) => {
      const connection = await clusterConnection(stage, id, grants as Spec[], ['shop', 'stock']);
      await stage.apply(namespace(id, { team: id }), leaseThrough(id, place));
      await until(id, isReady);
      expect(await connection.calls()).toMatchObject({ 'lease-create': 1, login: 1 });
    });

    it.each<[id: string, what: string, grants: readonly object[], place: Place, lacking: string]>([
      ['r1', 'nothing where there are none', [], ROOT, 'namespace'],
      ['r2', 'nothing to another namespace', [{ namespaces: ['r', 'r22'] }], ROOT, 'namespace'],
      ['r3', 'nothing to another label', [team('r4')], ROOT, 'namespace'],
      ['r4', 'no other project', [{ ...everybody, projects: ['shop'] }], STOCK, 'project'],
      ['r5', 'no other environment', [{ ...everybody, environments: ['prod'] }], DEV, 'environment'],
      ['r6', 'no other folder', [{ ...everybody, pathPrefixes: ['/team'] }], TEAMS, 'path'],
      ['r7', 'no folder above', [{ ...everybody, pathPrefixes: ['/team/orders'] }], TEAM, 'path'],
      [
        'r8',
        'nothing that only two cover together',
        [
          { ...team('r8'), projects: ['stock'] },
          { namespaces: ['r8'], environments: ['dev'] },
        ],
        ROOT,
        'environment',
      ],
    ])('%s: %s', async (id, _what, grants, place, lacking) => {
      const connection = await clusterConnection(stage, id, grants as Spec[], ['shop', 'stock']);
      await stage.apply(namespace(id, { team: id }), leaseThrough(id, place));
      const refused = await until(id, isRefused);
      expect(conditionOf(refused, 'Ready')?.message).toBe(
        `ClusterInfisicalConnection ${id} does not grant dynamic secret postgres in project ${place.projectSlug}, environment ${place.environmentSlug}, path ${place.path} to namespace ${id}: no grant covers the ${lacking}. Ask whoever looks after it to add one to its spec.grants, or use a connection of this namespace.`,
      );
      expect(conditionOf(refused, 'Stalled')?.status).toBe('True');
      expect(await stage.secretObject('postgres', id)).toBeUndefined();
      await awaitCondition(
        async () => conditionOf((await shared(id)) ?? refused, 'Ready')?.status === 'True',
        {
          what: `the login of ${id}`,
        },
      );
      // The connection itself logs in; for the object nothing was asked.
      expect(await connection.calls()).toEqual({ login: 1 });
    });
  });

  it('grants follow the labels of a namespace, and its own spec', async () => {
    const name = 'follows';
    const connection = await clusterConnection(stage, name, [
      { namespaceSelector: { matchLabels: { leases: 'yes' } }, projects: ['shop'] },
    ]);
    await stage.apply(namespace(name), leaseThrough(name, ROOT));
    await until(name, isRefused);
    await stage.kubectl('label', 'namespace', name, 'leases=yes');
    await until(name, isReady);
    await connection.grant([{ namespaces: [name], projects: ['stock'] }]);
    await until(name, (lease) => conditionOf(lease, 'Reconciling')?.reason === 'NotGranted');
    // What was granted stays in use until its end.
    const kept = await until(name, isReady);
    expect(await connection.calls()).toMatchObject({ 'lease-create': 1, login: 1 });
    await connection.grant([{ namespaces: [name] }]);
    const settled = await until(name, (lease) => conditionOf(lease, 'Reconciling')?.status === 'False');
    expect(settled.status.lease?.id).toBe(kept.status.lease?.id);
  });

  it('is not asked for a rotation once the grant is gone, and revokes all the same', async () => {
    const name = 'withdrawn';
    await stage.api.seedDynamicSecret({ ...ROOT, name, lifeOverride: EARLY_ROTATION.life });
    const connection = await clusterConnection(stage, name, [{ namespaces: [name] }]);
    const dynamicSecret = { name, projectSlug: 'shop', environmentSlug: 'prod' };
    await stage.apply(namespace(name), leaseThrough(name, ROOT, { dynamicSecret, ...EARLY_ROTATION.spec }));
    await until(name, (lease) => (lease.status.rotations ?? 0) > 0);
    await connection.grant([]);
    const refused = await until(name, (lease) => conditionOf(lease, 'Reconciling')?.reason === 'NotGranted');
    const { 'lease-create': made } = await connection.calls();
    await awaitCondition(async () => Date.now() > Date.parse(refused.status.rotateAt ?? ''), {
      what: 'the time of the rotation',
    });
    await stage.kubectl('delete', '-n', name, 'dsl/postgres', '--timeout=60s');
    expect((await connection.calls())['lease-create']).toBe(made);
    const ends = (await stage.ledger(name)).filter(({ leaseId }) => leaseId === refused.status.lease?.id);
    expect(ends.map(({ event }) => event)).toEqual(['made', 'revoked']);
    expect((await connection.calls())['lease-delete']).toBeGreaterThanOrEqual(1);
  });

  it('serves several namespaces with one login, says how many objects, and stays while one needs it', async () => {
    const [one, two] = ['several-a', 'several-b'];
    const connection = await clusterConnection(stage, 'several', [{ namespaces: [one, two] }]);
    await stage.apply(
      namespace(one),
      namespace(two),
      leaseThrough('several', ROOT, {}, one),
      leaseThrough('several', ROOT, {}, two),
    );
    await Promise.all([one, two].map((within) => until(within, isReady)));
    expect(await connection.calls()).toMatchObject({ login: 1, 'lease-create': 2 });
    const served = await awaitCondition(
      async () => {
        const seen = await shared('several');
        return seen?.status.served === 2 ? seen : undefined;
      },
      { what: 'both objects to be counted' },
    );
    expect(served.status).toMatchObject({ method: 'universal', host: stage.api.url, served: 2 });
    expect(served.finalizers).toEqual([CONNECTION_FINALIZER]);
    const columns = await stage.kubectl('get', 'clusterinfisicalconnection', 'several', '--no-headers');
    expect(columns).toMatch(/^several +True +LoggedIn +http:\S+ +universal +2 +20\S+ +\S+\n$/);

    await stage.kubectl('delete', 'clusterinfisicalconnection', 'several', '--wait=false');
    await awaitCondition(
      async () =>
        (await stage.kubectl(
          'get',
          'events',
          '-n',
          'default',
          '--field-selector=reason=InUse',
          '-o',
          'name',
        )) !== '',
      { what: 'the event' },
    );
    await stage.kubectl('delete', '-n', one, 'dsl/postgres', '--timeout=60s');
    expect((await shared('several'))?.deletedAt).toBeDefined();
    await stage.kubectl('delete', '-n', two, 'dsl/postgres', '--timeout=60s');
    await stage.kubectl('wait', 'clusterinfisicalconnection/several', '--for=delete', '--timeout=60s');
    expect(await connection.calls()).toMatchObject({ login: 1, 'lease-delete': 2 });
  });

  it('is none for an operator that looks after some namespaces only', async () => {
    const alone = await startStage();
    try {
      const connection: ClusterConnection = await clusterConnection(alone, 'scoped', [
        { namespaces: ['default'] },
      ]);
      await alone.startOperator({ scale: 0.05, flags: ['--namespaces', 'default'] });
      const connectionRef = { kind: 'ClusterInfisicalConnection', name: 'scoped' };
      await alone.apply(leaseManifest('orders-db', { connectionRef }));
      const refused = await alone.untilLease(
        'orders-db',
        (lease) => reason(lease) === 'ClusterConnectionsOff',
      );
      expect(conditionOf(refused, 'Ready')?.message).toContain('some namespaces only (--namespaces)');
      expect(await connection.calls()).toEqual({});
    } finally {
      await alone[Symbol.asyncDispose]();
    }
  });
});
