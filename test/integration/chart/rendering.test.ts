import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { PROGRAM } from '../../../bench/world/program.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { parseConfig } from '../../../src/config.ts';
import { root } from '../../../tools/chart/places.ts';
import { containerOf, deploymentIn } from './support/deployment.ts';
import { chart, inNamespaces, openHelm, type Helm, type KubeObject, type Values } from './support/helm.ts';
import { EVERYTHING, KNOWN } from './support/values.ts';

let helm: Helm;

beforeAll(async () => {
  helm = await openHelm();
});
afterAll(() => helm[Symbol.asyncDispose]());

function namesOf(objects: readonly KubeObject[]): readonly string[] {
  return objects
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? '-'} ${metadata.name}`)
    .toSorted();
}

describe('the chart', () => {
  it('passes helm lint without a warning', async () => {
    const { ok, stdout, stderr } = await helm.run(['lint', '--strict', chart], EVERYTHING);
    expect(stdout + stderr).not.toContain('WARNING');
    expect(ok).toBe(true);
  });

  it.each(Object.entries(KNOWN))(
    'becomes manifests that the program can be started from: %s',
    async (_what, values) => {
      const objects = await helm.objects(values);
      const { args } = containerOf(deploymentIn(objects));
      expect(args[0]).toBe('run');
      expect(parseConfig(args.slice(1), {})).toMatchObject({ ok: true });
      const twice = namesOf(objects).filter((name, index, all) => all[index - 1] === name);
      expect(twice).toEqual([]);
    },
  );

  it('is of the version of the program', async () => {
    const { version, appVersion } = parse(await readFile(path.join(chart, 'Chart.yaml'), 'utf8')) as Values;
    expect([version, appVersion]).toEqual([manifest.version, manifest.version]);
  });

  it('starts the program as the image, the bench and the documentation do', async () => {
    const { command } = containerOf(deploymentIn(await helm.objects()));
    const dockerfile = await readFile(path.join(root, 'Dockerfile'), 'utf8');
    const entrypoint = /^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? 'null';
    expect(command).toEqual(JSON.parse(entrypoint));
    const options = command.slice(1, -1);
    expect(options).toEqual(PROGRAM.slice(0, -1));
    const page = await readFile(path.join(root, 'docs', 'operations.md'), 'utf8');
    expect(page).toContain(`node ${options.join(' ')} dist/main.js`);
  });
});

describe('values that cannot be meant are refused', () => {
  it.each<[string, Values, string]>([
    ['a name that there is not', { replica: 2 }, 'replica'],
    ['a name inside that there is not', { metrics: { enabled: true } }, 'enabled'],
    ['a scope that there is not', { scope: 'all' }, 'scope'],
    ['namespaces without a list', { scope: 'namespaces' }, 'name them in namespaces'],
    ['a list without the scope', { namespaces: ['shop'] }, 'set scope to namespaces'],
    ['a namespace that is no name', inNamespaces('Shop'), 'namespaces'],
    ['a namespace twice', inNamespaces('shop', 'shop'), 'namespaces'],
    ['a shard that is no label', { shard: 'a_b' }, 'shard'],
    ['an installation id with a space', { installationId: 'a b' }, 'installationId'],
    ['no replica count', { replicas: 'two' }, 'replicas'],
    ['a digest that is none', { image: { digest: 'latest' } }, 'digest'],
    ['a pull policy that there is not', { image: { pullPolicy: 'Sometimes' } }, 'pullPolicy'],
    ['an argument that is none', { extraArgs: ['debug'] }, 'extraArgs'],
    ['a log level that there is not', { log: { level: 'loud' } }, 'level'],
    ['no workers', { workers: 0 }, 'workers'],
    ['an identity token for nobody', { identityTokens: [{ name: 'aws' }] }, 'identityTokens'],
    [
      'a name of a token that is a path',
      { identityTokens: [{ name: '../aws', audience: 'a' }] },
      'identityTokens',
    ],
    ['a range that is none', { networkPolicy: { serverCIDRs: ['example.com'] } }, 'serverCIDRs'],
    [
      'a network policy that shuts the API server out',
      { networkPolicy: { enabled: true } },
      'apiServerCIDRs',
    ],
    ['a port that is none', { metrics: { port: 0 } }, 'port'],
    ['an interval that is none', { metrics: { podMonitor: { interval: 'often' } } }, 'interval'],
    [
      'every figure twice',
      { metrics: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
      'counted twice',
    ],
    ['an account without a namespace', { credentials: { serviceAccounts: [{ name: 'a' }] } }, 'namespace'],
    [
      'an account of another namespace',
      {
        ...inNamespaces('shop'),
        credentials: { serviceAccounts: [{ namespace: 'web', name: 'a' }] },
      },
      'not among namespaces',
    ],
    ['no account at all', { serviceAccount: { create: false } }, 'serviceAccount.name'],
    [
      'a cluster connection that nobody sees',
      { ...inNamespaces('shop'), clusterConnection: { enabled: true } },
      'takes scope: cluster',
    ],
    ['a grace that is too short to end in', { terminationGracePeriodSeconds: 1 }, 'terminationGracePeriod'],
  ])('%s', async (_what, values, words) => {
    await expect(helm.objects(values)).rejects.toThrow(words);
  });
});

describe('the schema of the values', () => {
  it('knows each value that there is, and no other', async () => {
    const values = parse(await readFile(path.join(chart, 'values.yaml'), 'utf8')) as unknown;
    const schema = JSON.parse(await readFile(path.join(chart, 'values.schema.json'), 'utf8')) as Schema;
    const known = schemaPaths(schema, schema, '').filter((name) => name !== 'global');
    expect(known.toSorted()).toEqual(valuePaths(values, known, '').toSorted());
  });
});

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** The values that a schema names, as paths. */
function schemaPaths(schema: Schema, all: Schema, prefix: string): readonly string[] {
  const { properties } =
    schema.$ref === undefined ? schema : (all.definitions?.[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  if (properties === undefined) return [prefix];
  return Object.entries(properties).flatMap(([key, child]) =>
    schemaPaths(child, all, prefix === '' ? key : `${prefix}.${key}`),
  );
}

/** The values of a file, as paths; what is inside of a value that the schema takes as a whole is no path. */
function valuePaths(values: unknown, known: readonly string[], prefix: string): readonly string[] {
  if (known.includes(prefix) || typeof values !== 'object' || values === null) return [prefix];
  return Object.entries(values).flatMap(([key, child]) =>
    valuePaths(child, known, prefix === '' ? key : `${prefix}.${key}`),
  );
}
