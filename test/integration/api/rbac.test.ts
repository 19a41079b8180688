import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import type { ApiClient } from '../../../sandbox/control-plane/api-client.ts';
import type { AuditEvent } from '../../../sandbox/control-plane/audit.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { startControlPlane, type ControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import {
  serviceAccountUser,
  type ServiceAccountName,
} from '../../../sandbox/control-plane/service-account.ts';
import { installOperator, operatorAccount } from '../../../sandbox/operator/install.ts';
import { startOperatorProcess } from '../../../sandbox/operator/operator.ts';
import { newSecret } from '../../../src/secret/manifest.ts';
import { aRecord } from '../../support/builders.ts';
import { dynamicSecretManifest, inputSecret } from '../../support/dynamic-secret-manifest.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { clusterConnection } from '../operator/support/cluster-connection.ts';
import { clientOf } from './support/api-plane.ts';
import { grantedRights, mayDo, rightFor, type Right } from './support/grants.ts';

/** What the short life below does not come to, and why the operator must have it all the same. */
const neededLater: Readonly<Record<Right, string>> = {
  'list dynamicsecretleases.leaseholder.dev': 'An API server that does not stream lists is asked for pages.',
  'list infisicalconnections.leaseholder.dev': 'As above.',
  'list secrets': 'As above.',
  'list clusterinfisicalconnections.leaseholder.dev': 'As above.',
  'list namespaces': 'As above.',
  'get infisicalconnections.leaseholder.dev':
    'A connection that changed while its status or finalizer was being written is read again.',
  'get clusterinfisicalconnections.leaseholder.dev': 'As above.',
  'get configmaps': 'A connection may name one for its CA.',
  'list dynamicsecrets.leaseholder.dev': 'An API server that does not stream lists is asked for pages.',
  'patch events.events.k8s.io': 'An event that comes again within ten minutes is counted where it is.',
  'get dynamicsecrets.leaseholder.dev': 'One that changed while it was being written is read again.',
};

/** What the operator must never be able to do, with what could be done by it. */
const neverGranted: Readonly<Record<Right, string>> = {
  'create dynamicsecretleases.leaseholder.dev': 'lease what nobody asked for',
  'update dynamicsecretleases.leaseholder.dev': 'write a whole object in place of one field',
  'update dynamicsecretleases.leaseholder.dev/finalizers': 'block the deletion of an object by what it owns',
  'delete dynamicsecretleases.leaseholder.dev': 'take a lease away from its users',
  'create dynamicsecrets.leaseholder.dev': 'declare what nobody asked for',
  'update dynamicsecrets.leaseholder.dev': 'write a whole object in place of one field',
  'update dynamicsecrets.leaseholder.dev/finalizers': 'block the deletion of an object by what it owns',
  'delete dynamicsecrets.leaseholder.dev': 'take a dynamic secret away from its leases',
  'create infisicalconnections.leaseholder.dev': 'log in as nobody asked for',
  'update infisicalconnections.leaseholder.dev': 'send credentials to another server',
  'delete infisicalconnections.leaseholder.dev': 'take the way to the server from its leases',
  'update secrets': 'write a Secret that has changed meanwhile',
  'list events': 'read what others tell',
  'list events.events.k8s.io': 'read what others tell',
  'update events.events.k8s.io': 'write another event in place of one',
  'delete events.events.k8s.io': 'hide what was told',
  'deletecollection secrets': 'delete the Secrets of a whole namespace',
  'create serviceaccounts/token': 'become somebody else',
  'impersonate users': 'act as somebody else',
  'delete leases.coordination.k8s.io': 'take the lead from whoever has it',
  'list leases.coordination.k8s.io': 'look at the leads of others',
  'create pods': 'run programs',
  'create clusterinfisicalconnections.leaseholder.dev': 'grant itself what nobody granted',
  'update clusterinfisicalconnections.leaseholder.dev': 'change what is granted to whom',
  'delete clusterinfisicalconnections.leaseholder.dev': 'take the way to the server from its leases',
  'patch namespaces': 'give a namespace the labels that something is granted to',
  'create namespaces': 'make a namespace that something is granted to',
  'list configmaps': 'read what no connection names',
  'watch configmaps': 'read what no connection names',
  'patch configmaps': 'change whom others trust',
};

describe('the rights of deploy/rbac.yaml, over the life of a lease', () => {
  let stage: Stage;
  let granted: readonly Right[];
  let requests: readonly AuditEvent[];
  let used: ReadonlySet<Right>;

  beforeAll(async () => {
    granted = await grantedRights();
    stage = await startStage();
    await stage.startOperator({ election: true });
    await stage.apply(...connectionObjects(stage), leaseManifest('orders-db'));
    await useClusterConnection();
    await declare();
    await renew();
    await stage.untilReady('orders-db');
    await relabel();
    await lose();
    await leave();
    requests = (await stage.plane.audit.events()).filter(({ user }) => user === stage.user);
    used = new Set(requests.flatMap((request) => rightFor(request) ?? []));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** A label is asked for, and the Secret carries it. */
  async function relabel(): Promise<void> {
    await stage.apply(leaseManifest('orders-db', { secret: { labels: { tier: 'db' } } }));
    const carried = '--for=jsonpath={.metadata.labels.tier}=db';
    await stage.kubectl('wait', 'secret/orders-db', carried, '--timeout=60s');
  }

  /** A cluster connection grants a lease, is in use, and goes. */
  async function useClusterConnection(): Promise<void> {
    await clusterConnection(stage, 'shared', [{ namespaceSelector: {} }]);
    const connectionRef = { kind: 'ClusterInfisicalConnection', name: 'shared' };
    await stage.apply(leaseManifest('through-shared', { connectionRef }));
    await stage.untilReady('through-shared');
    await stage.kubectl('delete', 'dsl', 'through-shared', '--timeout=60s');
    await stage.kubectl('delete', 'clusterinfisicalconnection', 'shared', '--timeout=60s');
  }

  /** A dynamic secret is declared, made, and removed. */
  async function declare(): Promise<void> {
    const identity = await stage.api.seedIdentity({ grants: [{ projectSlug: 'shop' }] });
    await stage.apply(
      ...connectionObjects({ api: stage.api, identity }, { name: 'declarer' }),
      inputSecret('declared', { password: 'of-the-provider' }),
      dynamicSecretManifest('declared', { connectionRef: { name: 'declarer' } }),
    );
    await stage.kubectl('wait', 'dynamicsecret/declared', '--for=condition=Ready', '--timeout=60s');
    await stage.kubectl('delete', 'dynamicsecret', 'declared', '--timeout=60s');
  }

  /** The lead is renewed. */
  async function renew(): Promise<void> {
    const lease = '/apis/coordination.k8s.io/v1/namespaces/leaseholder-system/leases/leaseholder';
    const first = JSON.stringify(await stage.read(lease));
    const probe = async (): Promise<boolean> => JSON.stringify(await stage.read(lease)) !== first;
    await awaitCondition(probe, { what: 'a renewal' });
  }

  /** The Secret is deleted by hand, and comes back with other credentials. */
  async function lose(): Promise<void> {
    await stage.kubectl('delete', 'secret', 'orders-db');
    await awaitCondition(() => stage.secret('orders-db'), { what: 'the Secret', timeoutMs: 30_000 });
  }

  /** Connection and lease are deleted, the connection first: an event says what it waits for. */
  async function leave(): Promise<void> {
    await stage.kubectl('delete', 'infisicalconnection', 'infisical', '--wait=false');
    const events = (): Promise<string> =>
      stage.kubectl('get', 'events', '--field-selector=reason=InUse', '-o', 'name');
    await awaitCondition(async () => (await events()) !== '', { what: 'the event', timeoutMs: 30_000 });
    await stage.kubectl('delete', 'dsl', 'orders-db', '--timeout=60s');
    await stage.kubectl('wait', 'infisicalconnection/infisical', '--for=delete', '--timeout=60s');
  }

  const as = async <Result>(
    name: ServiceAccountName,
    act: (client: ApiClient) => Promise<Result>,
  ): Promise<Result> => {
    const client = await clientOf(stage.plane, await stage.plane.serviceAccountKubeconfig(name));
    try {
      return await act(client);
    } finally {
      await client.close();
    }
  };
  const allowed = (name: ServiceAccountName, rights: readonly Right[]): Promise<readonly Right[]> =>
    as(name, async (client) => {
      const answers = await Promise.all(rights.map((right) => mayDo(client, right)));
      return rights.filter((_right, index) => answers[index]);
    });

  test('are enough: the operator was refused nothing', () => {
    expect(requests.length).toBeGreaterThan(10);
    expect(requests.filter(({ responseCode }) => responseCode === 401 || responseCode === 403)).toEqual([]);
  });

  test('grant every request that the operator made', () => {
    expect([...used].filter((right) => !granted.includes(right))).toEqual([]);
  });

  test('grant nothing but what it used, or needs for a reason', () => {
    expect(granted.filter((right) => !used.has(right)).toSorted()).toEqual(
      Object.keys(neededLater).toSorted(),
    );
  });

  test('let one namespace be read, by its name, beside the metadata of all', () => {
    const read = requests.filter(({ resource }) => resource === 'namespaces');
    expect(new Set(read.map(({ verb, name }) => `${verb} ${String(name)}`))).toEqual(
      new Set(['get kube-system', 'watch undefined']),
    );
  });

  test('let Secrets be watched: those that carry our label, and by their names those that connections and dynamic secrets name', () => {
    const watched = requests.filter(({ resource, verb }) => resource === 'secrets' && verb === 'watch');
    const selected = watched.map(({ namespace, requestURI }) => {
      const { searchParams } = new URL(requestURI, 'http://server');
      const selector = searchParams.get('labelSelector') ?? searchParams.get('fieldSelector');
      return `${namespace ?? 'all'}: ${String(selector)}`;
    });
    expect(new Set(selected)).toEqual(
      new Set([
        'all: leaseholder.dev/managed=true,!leaseholder.dev/shard',
        'default: metadata.name=declared-inputs',
        'default: metadata.name=declarer-login',
        'default: metadata.name=infisical-login',
        'leaseholder-system: metadata.name=shared',
      ]),
    );
  });

  test('let one Lease be held, by its name, in the own namespace', () => {
    const held = requests.filter(({ group, verb }) => group === 'coordination.k8s.io' && verb !== 'create');
    expect(new Set(held.map(({ namespace, name }) => `${String(namespace)}/${String(name)}`))).toEqual(
      new Set(['leaseholder-system/leaseholder']),
    );
  });

  test('are those that the API server sees', async () => {
    expect(await allowed(operatorAccount, granted)).toEqual(granted);
  });

  test('let the operator neither do more than write leases into Secrets nor become more', async () => {
    expect(await allowed(operatorAccount, Object.keys(neverGranted))).toEqual([]);
  });

  test('are all that there are: an account without the role may do nothing', async () => {
    const nobody = { namespace: 'default', name: 'nobody' };
    expect(await allowed(nobody, granted)).toEqual([]);
    const refused = await as(nobody, (client) =>
      Promise.all(
        [
          '/apis/leaseholder.dev/v1alpha1/dynamicsecretleases',
          '/apis/leaseholder.dev/v1alpha1/namespaces/default/infisicalconnections',
          '/api/v1/namespaces/default/secrets',
          '/api/v1/namespaces/kube-system',
        ].map((url) => client.send(url)),
      ),
    );
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });
});

describe('the rights, where the API server guards owner references and does not stream lists', () => {
  let plane: ControlPlane;
  let kubeconfig: string;

  beforeAll(async () => {
    plane = await startControlPlane({
      controllerManager: false,
      extraApiServerArgs: [
        '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
        '--feature-gates=WatchList=false',
      ],
    });
    await installOperator(async (...args) => {
      const { exitCode, stderr } = await plane.kubectlRun(args);
      if (exitCode !== 0) throw new Error(stderr);
    });
    kubeconfig = await plane.serviceAccountKubeconfig(operatorAccount);
  });
  afterAll(() => plane.stop());

  const create = (secret: object): ReturnType<ControlPlane['kubectlRun']> =>
    plane.kubectlRun(['create', '--namespace=default', '-f', '-'], {
      kubeconfig,
      input: JSON.stringify(secret),
    });

  test('are enough to begin: what is watched is listed first', async () => {
    await using operator = startOperatorProcess({ kubeconfig });
    await operator.ready();
    const events = await plane.audit.events();
    const requests = events.filter(({ user }) => user === serviceAccountUser(operatorAccount));
    const used = new Set(requests.flatMap((request) => rightFor(request) ?? []));
    const lists = Object.keys(neededLater).filter((right) => right.startsWith('list '));
    expect([...used]).toEqual(expect.arrayContaining(lists));
    expect(requests.filter(({ responseCode }) => responseCode === 403)).toEqual([]);
  });

  test('are enough to name the owner of a Secret, as long as it does not block the deletion of that', async () => {
    const owner = { name: 'orders', namespace: 'default', uid: 'b7e1f3d2-5f0c-4a53-9d53-0a2f2f2f4b11' };
    const content = { data: new Map([['DB_USERNAME', 'orders']]), record: aRecord() };
    const ours = ownedSecret.parse(
      newSecret({ name: 'orders-db', type: 'Opaque' }, owner, { labels: {}, annotations: {} }, content),
    );
    const ownerReferences = ours.metadata.ownerReferences.map((one) => ({
      ...one,
      blockOwnerDeletion: true,
    }));
    const blocking = { ...ours, metadata: { ...ours.metadata, name: 'blocking', ownerReferences } };

    expect(await create(ours)).toMatchObject({ exitCode: 0 });
    expect((await create(blocking)).stderr).toContain('cannot set blockOwnerDeletion');
  });
});

const ownedSecret = z.looseObject({
  metadata: z.looseObject({ ownerReferences: z.array(z.looseObject({})).min(1) }),
});
