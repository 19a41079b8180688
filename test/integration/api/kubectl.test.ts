import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { conditionOf, isReady, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { root } from './support/api-plane.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
  // What a CRD says of itself is published a moment after it is established.
  await awaitCondition(
    async () => {
      const explained = await Promise.all(
        ['dsl', 'dynsec', 'infisical', 'clusterinfisical'].map((kind) =>
          stage.plane.kubectlRun(['explain', kind]),
        ),
      );
      return explained.every(({ exitCode }) => exitCode === 0);
    },
    { what: 'the schemas to be published', timeoutMs: 30_000, intervalMs: 100 },
  );
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The columns of a table as kubectl prints it. */
function columns(line: string | undefined): readonly string[] {
  return (line ?? '').trim().split(/\s{2,}/);
}

describe('the CRDs', () => {
  test('can be applied again and again, and then nothing changes', async () => {
    const lines = (await stage.kubectl('apply', '-f', path.join(root, 'crds'))).trim().split('\n');
    expect(lines).toEqual([
      'customresourcedefinition.apiextensions.k8s.io/clusterinfisicalconnections.leaseholder.dev unchanged',
      'customresourcedefinition.apiextensions.k8s.io/dynamicsecretleases.leaseholder.dev unchanged',
      'customresourcedefinition.apiextensions.k8s.io/dynamicsecrets.leaseholder.dev unchanged',
      'customresourcedefinition.apiextensions.k8s.io/infisicalconnections.leaseholder.dev unchanged',
    ]);
  });

  test('give the kinds their names, short names and category', async () => {
    const lines = (await stage.kubectl('api-resources', '--categories=leaseholder', '--no-headers')).trim();
    expect(lines.split('\n').map((line) => line.split(/\s+/))).toEqual([
      [
        'clusterinfisicalconnections',
        'clusterinfisical',
        'leaseholder.dev/v1alpha1',
        'false',
        'ClusterInfisicalConnection',
      ],
      ['dynamicsecretleases', 'dsl', 'leaseholder.dev/v1alpha1', 'true', 'DynamicSecretLease'],
      ['dynamicsecrets', 'dynsec', 'leaseholder.dev/v1alpha1', 'true', 'DynamicSecret'],
      ['infisicalconnections', 'infisical', 'leaseholder.dev/v1alpha1', 'true', 'InfisicalConnection'],
    ]);
  });

  test.each([
    ['dsl.spec.ttl', "How long a lease lives. Without it, the dynamic secret's own default."],
    ['dsl.spec.rotation.before', 'a share of its life (1% to 90%) or a duration. Default 33%'],
    ['dsl.status.rotateAt', 'When the lease is to be replaced.'],
    ['dsl.spec.dynamicSecretRef', 'the dynamic secret of a DynamicSecret of this namespace'],
    ['dynsec.spec.name', 'A change renames it; its leases go on.'],
    ['dynsec.spec.provider.inputs.password', 'Put it in a Secret and name it in inputsFrom.'],
    ['dynsec.status.intent', 'What is being asked of the server'],
    ['clusterinfisical.spec.grants.manage', 'Default false: they only lease.'],
    ['infisical.spec.auth', 'How to log in: exactly one method.'],
    ['clusterinfisical.spec.grants', 'without a grant nobody may lease anything'],
  ])('explain %s', async (field, description) => {
    const explained = (await stage.kubectl('explain', field)).replaceAll(/\s+/g, ' ');
    expect(explained).toContain(description);
  });

  test('leave no field of a spec without an explanation, but for groups that explain themselves', async () => {
    const explained = await stage.kubectl('explain', 'dsl.spec', '--recursive');
    expect(explained).toContain('environmentSlug');
    expect(await stage.kubectl('explain', 'dsl.spec')).not.toContain('<no description>');
    expect(await stage.kubectl('explain', 'dynsec.spec')).not.toContain('<no description>');
    expect(await stage.kubectl('explain', 'dynsec.spec.provider.inputs')).not.toContain('<no description>');
    expect(await stage.kubectl('explain', 'infisical.spec')).not.toContain('<no description>');
    expect(await stage.kubectl('explain', 'clusterinfisical.spec.grants')).not.toContain('<no description>');
  });
});

describe('a mistake in a lease is answered by kubectl apply with a sentence that names the field', () => {
  const dynamicSecret = { projectSlug: 'shop', environmentSlug: 'prod' };

  test.each([
    [
      'a ttl of two units',
      { ttl: '1h30m' },
      'spec.ttl: Invalid value: "string": ttl must be a whole number and one of the units s, m, h, d, w, y (90m, not 1h30m), from 1m to 10y',
    ],
    [
      'too large a share',
      { rotation: { before: '95%' } },
      `spec.rotation.before: Invalid value: "string": rotation.before must be a share of the lease's life from 1% to 90%, or a duration such as 10m`,
    ],
    ['no name', { dynamicSecret }, 'spec.dynamicSecret.name: Required value'],
    [
      'an unknown kind',
      { connectionRef: { kind: 'VaultConnection', name: 'vault' } },
      'spec.connectionRef.kind: Unsupported value: "VaultConnection": supported values: "InfisicalConnection"',
    ],
    [
      'a display name for a slug',
      { dynamicSecret: { ...dynamicSecret, name: 'orders', projectSlug: 'My Shop' } },
      'spec.dynamicSecret.projectSlug: Invalid value: "string": projectSlug must be the slug of the project, not its display name',
    ],
    ['a field that does not exist', { timeToLive: '1h' }, 'unknown field "spec.timeToLive"'],
  ])('%s', async (_mistake, spec, sentence) => {
    const input = JSON.stringify(leaseManifest('mistaken', spec));
    const { exitCode, stderr } = await stage.plane.kubectlRun(['apply', '-f', '-'], { input });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(sentence);
  });
});

const declaration = z.looseObject({
  kind: z.literal('DynamicSecret'),
  spec: z.looseObject({ provider: z.looseObject({ inputs: z.record(z.string(), z.unknown()) }) }),
});

type MutableSpec = z.infer<typeof declaration>['spec'];

/** The DynamicSecret of the example, changed. */
async function manifest(change: (spec: MutableSpec) => void): Promise<string> {
  const file = path.join(root, 'deploy', 'examples', 'postgres-dynamic-secret.yaml');
  const documents = parseAllDocuments(await readFile(file, 'utf8')).map((one) => one.toJS() as unknown);
  const declared = documents.map((one) => declaration.safeParse(one).data).find((one) => one !== undefined);
  if (declared === undefined) throw new Error('The example declares no DynamicSecret.');
  change(declared.spec);
  return JSON.stringify(declared);
}

describe('a mistake in a DynamicSecret is answered by kubectl apply with a sentence that names the field', () => {
  test.each<[string, (spec: MutableSpec) => void, string]>([
    [
      'its password in the open',
      ({ provider }) => void (provider.inputs['password'] = 'canary-7be0'),
      'spec.provider.inputs.password: Invalid value: "object": password must not be among the inputs, where everybody who may read this object reads it: put it in a Secret and name it in inputsFrom',
    ],
    [
      'a port as text',
      ({ provider }) => void (provider.inputs['port'] = '5432'),
      'spec.provider.inputs.port: Invalid value: "string"',
    ],
    [
      'a longest life under the default',
      (spec) => void (spec['maxTTL'] = '5m'),
      'spec.maxTTL: Invalid value: "object": maxTTL must not be shorter than defaultTTL',
    ],
  ])('%s', async (_mistake, change, sentence) => {
    const input = await manifest(change);
    const { exitCode, stderr } = await stage.plane.kubectlRun(['apply', '-f', '-'], { input });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('canary');
  });
});

describe('deploy/', () => {
  test('holds only files that the API server accepts', async () => {
    const files: string[] = [];
    // The chart and the plain manifests have tests of their own.
    const exclude = ['helm', 'kustomize'];
    for await (const file of glob('**/*.yaml', { cwd: path.join(root, 'deploy'), exclude })) files.push(file);
    const some = ['orders.yaml', 'reload/volume.yaml', 'reload/environment.yaml'];
    const known = ['rbac.yaml', ...some.map((file) => path.join('examples', file))];
    expect(files).toEqual(expect.arrayContaining(known));
    for (const file of files) {
      const applied = await stage.kubectl('apply', '--dry-run=server', '-f', path.join(root, 'deploy', file));
      const lines = applied.trim().split('\n');
      expect(lines.filter((line) => !line.endsWith('(server dry run)'))).toEqual([]);
    }
  });
});

/** The example as a newcomer would have it: the address and the login replaced by those of a server of theirs. */
async function filledExample(): Promise<string> {
  const file = path.join(root, 'deploy', 'examples', 'orders.yaml');
  const replacements = [
    ['https://eu.infisical.com', stage.api.url],
    ['replace-with-the-client-id-of-a-machine-identity', stage.identity.clientId],
    ['replace-with-its-client-secret', stage.identity.clientSecret],
  ] as const;
  return replacements.reduce(
    (text, [placeholder, value]) => {
      if (text.split(placeholder).length !== 2)
        throw new Error(`The example does not have ${placeholder} once.`);
      return text.replace(placeholder, value);
    },
    await readFile(file, 'utf8'),
  );
}

describe('the example, its address and login filled in', () => {
  const HEADER = ['NAME', 'READY', 'REASON', 'SECRET', 'EXPIRES', 'ROTATES', 'AGE'];
  const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
  const AGE = /^\d+m?\d*s$/;
  let example: string;

  beforeAll(async () => {
    await stage.startOperator();
    const place = { projectSlug: 'shop', environmentSlug: 'prod' };
    await stage.api.seedDynamicSecret({ ...place, name: 'orders-postgres' });
    example = await filledExample();
  });

  const run = async (verb: 'apply' | 'delete'): Promise<string> => {
    const { exitCode, stdout, stderr } = await stage.plane.kubectlRun([verb, '-f', '-'], { input: example });
    if (exitCode !== 0) throw new Error(stderr);
    return stdout;
  };

  test('becomes a Secret with credentials, and its table is filled', async () => {
    await run('apply');
    const lease = await stage.untilLease('orders-db', isReady);
    expect(conditionOf(lease, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
    expect(await stage.secret('orders-db')).toMatchObject({
      DB_USERNAME: expect.stringMatching(/./) as string,
      DB_PASSWORD: expect.stringMatching(/./) as string,
    });

    const [header, row] = (await stage.kubectl('get', 'dsl')).trim().split('\n');
    expect(columns(header)).toEqual(HEADER);
    const [name, ready, reason, secret, expires, rotates, age] = columns(row);
    expect([name, ready, reason, secret]).toEqual(['orders-db', 'True', 'LeaseActive', 'orders-db']);
    expect([expires, rotates]).toEqual([expect.stringMatching(INSTANT), expect.stringMatching(INSTANT)]);
    expect(Date.parse(String(rotates))).toBeLessThan(Date.parse(String(expires)));
    expect(age).toMatch(AGE);
  });

  test('is shown with its message where more is asked for, and with its connection by the category', async () => {
    const [header, row] = (await stage.kubectl('get', 'dsl', '-o', 'wide')).trim().split('\n');
    expect(columns(header)).toEqual([...HEADER, 'MESSAGE']);
    expect(columns(row).at(-1)).toMatch(/^[A-Z].*\.$/);

    const [connections, connection] = (await stage.kubectl('get', 'infisical')).trim().split('\n');
    expect(columns(connections)).toEqual([
      'NAME',
      'READY',
      'REASON',
      'HOST',
      'METHOD',
      'OBJECTS',
      'LASTLOGIN',
      'AGE',
    ]);
    expect(columns(connection).slice(0, 4)).toEqual(['infisical', 'True', 'LoggedIn', stage.api.url]);

    const all = await stage.kubectl('get', 'leaseholder', '-o', 'name');
    expect(all.trim().split('\n').toSorted()).toEqual([
      'dynamicsecretlease.leaseholder.dev/orders-db',
      'infisicalconnection.leaseholder.dev/infisical',
    ]);
  });

  test('can be applied again, which changes nothing', async () => {
    // The Secret of the example gives its values as stringData, which kubectl always has to write.
    const lines = (await run('apply')).trim().split('\n');
    expect(lines.filter((line) => !line.endsWith('unchanged') && !line.startsWith('secret/'))).toEqual([]);
  });

  test('leaves no lease when its DynamicSecretLease is deleted', async () => {
    await stage.kubectl('delete', 'dsl', 'orders-db', '--timeout=60s');
    expect(await stage.secret('orders-db')).toBeUndefined();
    expect((await stage.api.live()).leases).toEqual([]);
  });

  test('goes as a whole, its login and connection first: not held up, and its lease is revoked', async () => {
    await run('apply');
    await stage.untilLease('orders-db', isReady);
    await run('delete');
    expect(await stage.secret('orders-db')).toBeUndefined();
    expect((await stage.api.live()).leases).toEqual([]);
  });
});
