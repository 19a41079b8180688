import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { type ControlPlane, startControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import type { KubectlOptions } from '../../../sandbox/control-plane/kubectl.ts';
import { serviceAccountUser } from '../../../sandbox/control-plane/service-account.ts';

let controlPlane: ControlPlane;

beforeAll(async () => {
  controlPlane = await startControlPlane();
});

afterAll(async () => {
  await controlPlane.stop();
});

/** Runs kubectl, by default as the admin; anything but success is an error. */
async function kubectl(args: string, options?: KubectlOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await controlPlane.kubectlRun(args.split(' '), options);
  if (exitCode !== 0) throw new Error(`kubectl ${args}: ${stderr}`);
  return stdout;
}

/** A kind of the operator's group, whose own are not needed here. */
const samples = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'samples.leaseholder.dev' },
  spec: {
    group: 'leaseholder.dev',
    scope: 'Namespaced',
    names: { plural: 'samples', singular: 'sample', kind: 'Sample' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', additionalProperties: { type: 'string' } } },
          },
        },
      },
    ],
  },
};

async function defineSamples(): Promise<void> {
  await kubectl('apply -f -', { input: JSON.stringify(samples) });
  await kubectl('wait --for=condition=Established crd/samples.leaseholder.dev --timeout=30s');
}

/** A Secret that is owned by an object. */
function ownedSecret(
  name: string,
  owner: { apiVersion: string; kind: string; name: string; uid: string },
): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, ownerReferences: [owner] } });
}

/** A service account, in a namespace of its own, that may do this with Secrets. */
async function accountWithRole(namespace: string, verbs: string): Promise<string> {
  const kubeconfig = await controlPlane.serviceAccountKubeconfig({ namespace, name: 'operator' });
  await kubectl(`create role secrets --verb=${verbs} --resource=secrets -n ${namespace}`);
  await kubectl(
    `create rolebinding secrets --role=secrets --serviceaccount=${namespace}:operator -n ${namespace}`,
  );
  const [first = ''] = verbs.split(',');
  await awaitCondition(
    async () => {
      const args = ['auth', 'can-i', first, 'secrets'];
      return (await controlPlane.kubectlRun(args, { kubeconfig })).exitCode === 0;
    },
    { what: 'the role to take effect' },
  );
  return kubeconfig;
}

test('client and server are Kubernetes v1.34.4', async () => {
  const version: unknown = JSON.parse(await kubectl('version -o json'));
  expect(version).toMatchObject({
    clientVersion: { gitVersion: 'v1.34.4', major: '1', minor: '34' },
    serverVersion: { gitVersion: 'v1.34.4', major: '1', minor: '34' },
  });
});

test('a Secret comes back as it was made', async () => {
  await kubectl('create secret generic plain --from-literal=password=pa55');
  await expect(kubectl('get secret plain -o jsonpath={.data.password}')).resolves.toBe(
    Buffer.from('pa55').toString('base64'),
  );
});

test('the CA file verifies the server, and without a token nobody may read', async () => {
  const dispatcher = new Agent({ connect: { ca: await readFile(controlPlane.caFile, 'utf8') } });
  const answer = await request(`${controlPlane.server}/api/v1/secrets`, { dispatcher });
  await answer.body.dump();
  await dispatcher.close();
  expect(answer.statusCode).toBe(403);
});

describe('a service account', () => {
  test('is refused without a role', async () => {
    const kubeconfig = await controlPlane.serviceAccountKubeconfig({
      namespace: 'refused',
      name: 'operator',
    });
    const result = await controlPlane.kubectlRun(['get', 'secrets'], { kubeconfig });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(
      'User "system:serviceaccount:refused:operator" cannot list resource "secrets"',
    );
  });

  test('may do what its role gives, there and nowhere else', async () => {
    const kubeconfig = await accountWithRole('granted', 'create,get');
    await kubectl('create secret generic one --from-literal=a=b', { kubeconfig });
    await expect(kubectl('get secret one -o name', { kubeconfig })).resolves.toBe('secret/one\n');
    await expect(kubectl('delete secret one', { kubeconfig })).rejects.toThrow('cannot delete');
    await expect(kubectl('get secret one -n default', { kubeconfig })).rejects.toThrow('cannot get');
  });
});

describe('the audit log', () => {
  const user = serviceAccountUser({ namespace: 'counted', name: 'operator' });
  let kubeconfig: string;

  beforeAll(async () => {
    kubeconfig = await accountWithRole('counted', 'create,get,list,watch,patch,delete');
  });

  /** The counts of a user's requests for Secrets: kubectl's own discovery is left out. */
  async function secretRequests(since: number): Promise<Record<string, number>> {
    const counts = await controlPlane.audit.count(user, since);
    return Object.fromEntries(Object.entries(counts).filter(([key]) => key.endsWith(' secrets')));
  }

  test('has each read and write of a user once, since a mark', async () => {
    await kubectl('create secret generic before', { kubeconfig });
    const mark = await controlPlane.audit.mark();
    for (const name of ['a', 'b', 'c']) await kubectl(`create secret generic ${name}`, { kubeconfig });
    await kubectl('create secret generic other', {});
    await kubectl('get secret a', { kubeconfig });
    await kubectl('get secrets', { kubeconfig });
    await kubectl(`patch secret a --type=merge -p {"data":{"k":"dg=="}}`, { kubeconfig });
    await expect(secretRequests(mark)).resolves.toEqual({
      'create secrets': 3,
      'get secrets': 2,
      'list secrets': 1,
      'patch secrets': 1,
    });
  });

  test('tells who did what to which object, and how it ended', async () => {
    const mark = await controlPlane.audit.mark();
    await kubectl('create secret generic named', { kubeconfig });
    await controlPlane.kubectlRun(['create', 'secret', 'generic', 'named'], { kubeconfig });
    const events = (await controlPlane.audit.events(mark)).filter((event) => event.verb === 'create');
    const expected = { user, verb: 'create', resource: 'secrets', namespace: 'counted', name: 'named' };
    expect(events).toEqual([
      expect.objectContaining({ ...expected, responseCode: 201, stage: 'ResponseComplete', group: '' }),
      expect.objectContaining({ ...expected, responseCode: 409, stage: 'ResponseComplete' }),
    ]);
    expect(Date.parse(events[0]?.timestamp ?? '')).toBeCloseTo(Date.now(), -5);
  });

  test('never has the content of a Secret', async () => {
    await kubectl('create secret generic content --from-literal=password=very-secret', { kubeconfig });
    await controlPlane.audit.mark();
    const text = await readFile(controlPlane.auditLog, 'utf8');
    expect(text).toContain('"name":"content"');
    expect(text).not.toContain(Buffer.from('very-secret').toString('base64'));
  });

  test('has what was written to leaseholder.dev objects', async () => {
    await defineSamples();
    const sample = {
      apiVersion: 'leaseholder.dev/v1',
      kind: 'Sample',
      metadata: { name: 's' },
      spec: { ttl: '1h' },
    };
    const mark = await controlPlane.audit.mark();
    await kubectl('create -f -', { input: JSON.stringify(sample) });
    const events = await controlPlane.audit.events(mark);
    expect(events.filter(({ resource }) => resource === 'samples')).toMatchObject([
      { user: 'admin', verb: 'create', group: 'leaseholder.dev', requestObject: { spec: { ttl: '1h' } } },
    ]);
  });

  test('has a watch once, from its start', async () => {
    const mark = await controlPlane.audit.mark();
    const enough = new AbortController();
    const { signal } = enough;
    const watching = controlPlane.kubectlRun(['get', 'secrets', '--watch-only'], { kubeconfig, signal });
    const end = watching.then(
      () => 'by itself',
      () => 'aborted',
    );
    const seen = await awaitCondition(
      async () => {
        const counts = await secretRequests(mark);
        return counts['watch secrets'] === undefined ? undefined : counts;
      },
      { what: 'the watch to be recorded while it is open' },
    );
    enough.abort();
    expect(await end).toBe('aborted');
    expect(seen['watch secrets']).toBe(1);
    expect((await secretRequests(mark))['watch secrets']).toBe(1);
  });
});

describe('the controllers', () => {
  test('a deleted namespace takes what is in it along', async () => {
    await kubectl('create namespace doomed');
    await kubectl('create secret generic inside -n doomed');
    await kubectl('delete namespace doomed --timeout=60s');
    await expect(kubectl('get namespace doomed')).rejects.toThrow('NotFound');
    await kubectl('create namespace doomed');
    await expect(kubectl('get secrets -n doomed -o name')).resolves.toBe('');
  });

  test('a Secret goes with its owner', async () => {
    await kubectl('create configmap owner');
    const uid = await kubectl('get configmap owner -o jsonpath={.metadata.uid}');
    const input = ownedSecret('owned', { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid });
    await kubectl('create -f -', { input });
    await kubectl('delete configmap owner');
    await kubectl('wait --for=delete secret/owned --timeout=60s');
    await expect(kubectl('get secret owned')).rejects.toThrow('NotFound');
  });

  test('after their restart they know kinds that were defined meanwhile', async () => {
    await defineSamples();
    await controlPlane.restartControllerManager();
    const owner = { apiVersion: 'leaseholder.dev/v1', kind: 'Sample', name: 'owner' };
    const sample = { apiVersion: owner.apiVersion, kind: owner.kind, metadata: { name: owner.name } };
    await kubectl('create -f -', { input: JSON.stringify(sample) });
    const uid = await kubectl('get sample owner -o jsonpath={.metadata.uid}');
    await kubectl('create -f -', { input: ownedSecret('of-sample', { ...owner, uid }) });
    await kubectl('delete sample owner');
    await kubectl('wait --for=delete secret/of-sample --timeout=20s');
    await expect(kubectl('get secret of-sample')).rejects.toThrow('NotFound');
  });

  test('each new namespace has its default service account', async () => {
    await kubectl('create namespace accounts');
    await kubectl('wait --for=create serviceaccount/default -n accounts --timeout=60s');
    await expect(kubectl('get serviceaccounts -n accounts -o name')).resolves.toBe(
      'serviceaccount/default\n',
    );
  });
});
