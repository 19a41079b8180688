import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { structural } from '../../../src/api/crd.ts';
import { leaseObject, leaseSpec, leaseStatus } from '../../../src/api/dynamic-secret-lease.ts';
import { aRef, aStatus } from '../../support/builders.ts';
import { violations } from '../../support/structural.ts';

const least = {
  connectionRef: { name: 'infisical' },
  dynamicSecret: { name: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'prod' },
};
const byRef = { dynamicSecretRef: { name: 'orders' } };
const schema = structural(leaseSpec);

function withTarget(change: object): object {
  return { ...least, dynamicSecret: { ...least.dynamicSecret, ...change } };
}

function withSecret(secret: object): object {
  return { ...least, secret };
}

function withRestart(...restart: readonly object[]): object {
  return { ...least, restart };
}

function requiring(requirement: object): object {
  return withRestart({ kind: 'Deployment', selector: { matchExpressions: [requirement] } });
}

function numbered(count: number, prefix: string): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index)}`);
}

const workload = { kind: 'Deployment', name: 'orders' };
const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${String(index)}`, 'v']));

describe('a spec is accepted, by zod and by the schema of the CRD', () => {
  const cases: Record<string, unknown> = {
    'with nothing but what is required': least,
    'with the kind of its connection': {
      ...least,
      connectionRef: { kind: 'InfisicalConnection', name: 'a.b-c' },
    },
    'with a DynamicSecret for what it leases': byRef,
    'with a DynamicSecret and a connection of its own': { ...byRef, connectionRef: least.connectionRef },
    'with the root path': withTarget({ path: '/' }),
    'with a folder': withTarget({ path: '/team_a/eu-1' }),
    'with slugs of letters of both sizes': withTarget({ projectSlug: 'Shop_1', environmentSlug: 'X' }),
    'with a name of 64 characters': withTarget({ name: 'a'.repeat(64) }),
    'with everything': {
      ...least,
      ttl: '1h',
      config: { size: 3, nested: { list: [1, null] } },
      rotation: { strategy: 'Renew', before: '33%' },
      revocation: { onDelete: 'Expire', onRotation: 'Revoke', gracePeriod: '5m', timeout: '10m' },
      suspend: true,
      secret: {
        name: 'orders-db',
        labels: { team: 'a' },
        annotations: { 'example.com/note': 'x y' },
        type: 'kubernetes.io/basic-auth',
        data: { username: '{{ DB_USERNAME }}' },
        include: ['DB_PASSWORD'],
        adoption: 'Adopt',
        deletionPolicy: 'Retain',
      },
      restart: [workload, { kind: 'StatefulSet', selector: { matchLabels: { uses: 'orders-db' } } }],
    },
    'with an empty config': { ...least, config: {} },
    'with empty parts': { ...least, rotation: {}, revocation: {}, secret: {} },
    'with nudged pods': withSecret({ propagation: 'Nudge' }),
    'with pods that are left to their kubelets': withSecret({ propagation: 'Kubelet' }),
    'with an empty label': withSecret({ labels: { team: '' } }),
    'with labels of Kubernetes that are free': withSecret({ labels: { 'app.kubernetes.io/name': 'orders' } }),
    'with 32 labels': withSecret({ labels: Object.fromEntries(Object.entries(many).slice(1)) }),
    'with every key that a Secret can have': withSecret({
      data: { '.pgpass': '', 'a..b': '', _: '', ['k'.repeat(253)]: '' },
      include: ['-', '.a', '0'],
    }),
    'with a template that only the operator judges': withSecret({ data: { A: '{{' } }),
    'with templates of 4096 characters, however many bytes': withSecret({ data: { A: '😀'.repeat(4096) } }),
    'with 64 templates and 64 copied keys': withSecret({
      data: Object.fromEntries(numbered(64, 'a').map((key) => [key, ''])),
      include: numbered(64, 'b'),
    }),
    'with a type whose keys all are there, templates or copied': withSecret({
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': '' },
      include: ['tls.key'],
    }),
    'with a type of which one key is enough': withSecret({
      type: 'kubernetes.io/basic-auth',
      include: ['username'],
    }),
    'with a type, and every key of the lease': withSecret({ type: 'kubernetes.io/ssh-auth' }),
    'with nothing to restart': withRestart(),
    'with 16 workloads to restart': { ...least, restart: numbered(16, 'a').map(() => workload) },
    'with workloads of each kind': withRestart(
      ...['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'].map((kind) => ({ kind, name: 'a' })),
    ),
    'with all workloads of a kind': withRestart({ kind: 'DaemonSet', selector: {} }),
    'with workloads by 64 labels, some of 63 characters': withRestart({
      kind: 'Deployment',
      selector: { matchLabels: Object.fromEntries(numbered(64, 'a').map((key) => [key, '😀'.repeat(63)])) },
    }),
    'with workloads by what must hold of labels': requiring({
      key: '😀'.repeat(317),
      operator: 'In',
      values: numbered(64, 'a'),
    }),
  };

  test.each(Object.entries(cases))('%s', (_sentence, spec) => {
    expect(leaseSpec.safeParse(spec).error?.issues).toBeUndefined();
    expect(violations(schema, spec)).toEqual([]);
  });

  test('and gets the defaults of the CRD', () => {
    expect(leaseSpec.parse(least)).toEqual({
      connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
      dynamicSecret: { ...least.dynamicSecret, path: '/' },
    });
  });

  test('and loses what no schema knows, as in the API server', () => {
    expect(leaseSpec.parse({ ...least, unknown: 1 })).not.toHaveProperty('unknown');
  });
});

describe('a spec is refused, by zod and by the schema of the CRD', () => {
  const cases: Record<string, { spec: unknown; at: string }> = {
    'without a connection': { spec: { dynamicSecret: least.dynamicSecret }, at: '.connectionRef' },
    'without a dynamic secret': { spec: { connectionRef: least.connectionRef }, at: '' },
    'with two dynamic secrets': { spec: { ...least, ...byRef }, at: '' },
    'with a DynamicSecret of no name': { spec: { dynamicSecretRef: {} }, at: '.dynamicSecretRef' },
    'with a DynamicSecret in another namespace': {
      spec: { dynamicSecretRef: { name: 'shop/orders' } },
      at: '.dynamicSecretRef.name',
    },
    'that is no object': { spec: 'orders', at: '' },
    'with a connection of another kind': {
      spec: { ...least, connectionRef: { kind: 'Secret', name: 'x' } },
      at: '.connectionRef.kind',
    },
    'with a connection of no name': { spec: { ...least, connectionRef: {} }, at: '.connectionRef' },
    'with a name in another namespace': {
      spec: { ...least, connectionRef: { name: 'other/infisical' } },
      at: '.connectionRef.name',
    },
    'with a target without project': {
      spec: { ...least, dynamicSecret: { name: 'a', environmentSlug: 'b' } },
      at: '.dynamicSecret',
    },
    'with a display name for a slug': {
      spec: withTarget({ projectSlug: 'My Shop' }),
      at: '.dynamicSecret.projectSlug',
    },
    'with an empty slug': {
      spec: withTarget({ environmentSlug: '' }),
      at: '.dynamicSecret.environmentSlug',
    },
    'with a dynamic secret in capitals': {
      spec: withTarget({ name: 'Orders' }),
      at: '.dynamicSecret.name',
    },
    'with a name of 65 characters': {
      spec: withTarget({ name: 'a'.repeat(65) }),
      at: '.dynamicSecret.name',
    },
    'with a path that does not begin at the root': {
      spec: withTarget({ path: 'eu' }),
      at: '.dynamicSecret.path',
    },
    'with a path that ends with a slash': {
      spec: withTarget({ path: '/eu/' }),
      at: '.dynamicSecret.path',
    },
    'with a path that climbs': { spec: withTarget({ path: '/../x' }), at: '.dynamicSecret.path' },
    'with an empty path': { spec: withTarget({ path: '' }), at: '.dynamicSecret.path' },
    'with a path of 1025 characters': {
      spec: withTarget({ path: `/${'a'.repeat(1024)}` }),
      at: '.dynamicSecret.path',
    },
    'with a number for a ttl': { spec: { ...least, ttl: 3600 }, at: '.ttl' },
    'with a long text for a ttl': { spec: { ...least, ttl: '9'.repeat(40) }, at: '.ttl' },
    'with a list for a config': { spec: { ...least, config: [] }, at: '.config' },
    'with null for a config': { spec: { ...least, config: null }, at: '.config' },
    'with another word for onDelete': {
      spec: { ...least, revocation: { onDelete: 'Delete' } },
      at: '.revocation.onDelete',
    },
    'with a Secret name in capitals': { spec: withSecret({ name: 'DB' }), at: '.secret.name' },
    'with a Secret name with an empty part': {
      spec: withSecret({ name: 'a..b' }),
      at: '.secret.name',
    },
    'with a Secret name with a part that ends with a dash': {
      spec: withSecret({ name: 'a-.b' }),
      at: '.secret.name',
    },
    'with a label value of 64 characters': {
      spec: withSecret({ labels: { team: 'a'.repeat(64) } }),
      at: '.secret.labels.team',
    },
    'with a label value with a blank': {
      spec: withSecret({ labels: { team: 'a b' } }),
      at: '.secret.labels.team',
    },
    'with another way for Secrets to reach pods': {
      spec: withSecret({ propagation: 'nudge' }),
      at: '.secret.propagation',
    },
    'with 33 labels': { spec: withSecret({ labels: many }), at: '.secret.labels' },
    'with 33 annotations': {
      spec: withSecret({ annotations: many }),
      at: '.secret.annotations',
    },
    'with an annotation of 4097 characters': {
      spec: withSecret({ annotations: { note: 'a'.repeat(4097) } }),
      at: '.secret.annotations.note',
    },
    'with a Secret of a type that may be a token': {
      spec: withSecret({ type: 'kubernetes.io/service-account-token' }),
      at: '.secret.type',
    },
    'with no template': { spec: withSecret({ data: {} }), at: '.secret.data' },
    'with 65 templates': {
      spec: withSecret({ data: Object.fromEntries(numbered(65, 'a').map((key) => [key, ''])) }),
      at: '.secret.data',
    },
    'with a template of 4097 characters': {
      spec: withSecret({ data: { A: 'a'.repeat(4097) } }),
      at: '.secret.data.A',
    },
    'with a number for a template': { spec: withSecret({ data: { PORT: 5432 } }), at: '.secret.data.PORT' },
    'with a list of templates': { spec: withSecret({ data: ['a'] }), at: '.secret.data' },
    'with no copied key': { spec: withSecret({ include: [] }), at: '.secret.include' },
    'with 65 copied keys': { spec: withSecret({ include: numbered(65, 'a') }), at: '.secret.include' },
    'with a key that is copied twice': { spec: withSecret({ include: ['a', 'a'] }), at: '.secret.include' },
    'with a copied key of 254 characters': {
      spec: withSecret({ include: ['a'.repeat(254)] }),
      at: '.secret.include[0]',
    },
    'with another word for adoption': { spec: withSecret({ adoption: 'adopt' }), at: '.secret.adoption' },
    'with another word for deletionPolicy': {
      spec: withSecret({ deletionPolicy: 'Keep' }),
      at: '.secret.deletionPolicy',
    },
    'with one workload in no list': { spec: { ...least, restart: workload }, at: '.restart' },
    'with 17 workloads to restart': {
      spec: { ...least, restart: numbered(17, 'a').map(() => workload) },
      at: '.restart',
    },
    'with a workload of no kind': { spec: withRestart({ name: 'a' }), at: '.restart[0]' },
    'with a workload of another kind': {
      spec: withRestart({ kind: 'CronJob', name: 'a' }),
      at: '.restart[0].kind',
    },
    'with a workload in another namespace': {
      spec: withRestart({ kind: 'Deployment', name: 'shop/a' }),
      at: '.restart[0].name',
    },
    'with a text for a selector': {
      spec: withRestart({ kind: 'Deployment', selector: 'a=b' }),
      at: '.restart[0].selector',
    },
    'with a selector of 65 labels': {
      spec: withRestart({
        kind: 'Deployment',
        selector: { matchLabels: Object.fromEntries(numbered(65, 'a').map((key) => [key, ''])) },
      }),
      at: '.restart[0].selector.matchLabels',
    },
    'with a selector for a label of 64 characters': {
      spec: withRestart({ kind: 'Deployment', selector: { matchLabels: { a: 'b'.repeat(64) } } }),
      at: '.restart[0].selector.matchLabels.a',
    },
    'with a requirement of no key': {
      spec: requiring({ operator: 'Exists' }),
      at: '.restart[0].selector.matchExpressions[0]',
    },
    'with a requirement of an empty key': {
      spec: requiring({ key: '', operator: 'Exists' }),
      at: '.restart[0].selector.matchExpressions[0].key',
    },
    'with a requirement of a key of 318 characters': {
      spec: requiring({ key: 'a'.repeat(318), operator: 'Exists' }),
      at: '.restart[0].selector.matchExpressions[0].key',
    },
    'with a requirement of another operator': {
      spec: requiring({ key: 'a', operator: 'Gt', values: ['1'] }),
      at: '.restart[0].selector.matchExpressions[0].operator',
    },
    'with a requirement of 65 values': {
      spec: requiring({ key: 'a', operator: 'In', values: numbered(65, 'a') }),
      at: '.restart[0].selector.matchExpressions[0].values',
    },
    'with a requirement of a value of 64 characters': {
      spec: requiring({ key: 'a', operator: 'In', values: ['a'.repeat(64)] }),
      at: '.restart[0].selector.matchExpressions[0].values[0]',
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { spec, at }) => {
    expect(leaseSpec.safeParse(spec).success).toBe(false);
    expect(violations(schema, spec).map((one) => one.split(':')[0])).toContain(at);
  });
});

describe('a spec is refused in the same words, by zod and by the API server', () => {
  const cases: Record<string, { spec: object; at: string }> = {
    'for nothing to lease': { spec: { connectionRef: least.connectionRef }, at: '' },
    'for two things to lease': { spec: { ...least, ...byRef }, at: '' },
    'for no connection': {
      spec: { dynamicSecret: least.dynamicSecret },
      at: '.connectionRef',
    },
    'for a ttl under a minute': { spec: { ...least, ttl: '59s' }, at: '.ttl' },
    'for a ttl over ten years': { spec: { ...least, ttl: '11y' }, at: '.ttl' },
    'for a ttl of two units': { spec: { ...least, ttl: '1h30m' }, at: '.ttl' },
    'for a timeout over a year': {
      spec: { ...least, revocation: { timeout: '2y' } },
      at: '.revocation.timeout',
    },
    'for a share over 90 %': { spec: { ...least, rotation: { before: '91%' } }, at: '.rotation.before' },
    "for the operator's own key in config": {
      spec: { ...least, config: { leaseholder: {} } },
      at: '.config',
    },
    'for a display name': { spec: withTarget({ projectSlug: 'My Shop' }), at: '.dynamicSecret.projectSlug' },
    'for a path without its slash': { spec: withTarget({ path: 'eu' }), at: '.dynamicSecret.path' },
    'for a Secret name in capitals': { spec: withSecret({ name: 'DB' }), at: '.secret.name' },
    'for a label of ours': {
      spec: withSecret({ labels: { 'leaseholder.dev/x': 'y' } }),
      at: '.secret.labels',
    },
    'for a label with a blank': { spec: withSecret({ labels: { team: 'a b' } }), at: '.secret.labels.team' },
    ...Object.fromEntries(
      ['', '.', '..', '..data', 'a b', 'a/b', 'ä', 'a\n', 'k'.repeat(254)].map((key) => [
        `for a template of the key ${JSON.stringify(key.slice(0, 9))}`,
        { spec: withSecret({ data: { [key]: 'a' } }), at: '.secret.data' },
      ]),
    ),
    ...Object.fromEntries(
      ['', '.', '..', '..data', 'a b', 'a/b', 'ä', 'a\n'].map((key) => [
        `for a copied key ${JSON.stringify(key)}`,
        { spec: withSecret({ include: [key] }), at: '.secret.include[0]' },
      ]),
    ),
    'for a key that is made twice': {
      spec: withSecret({ data: { A: 'a' }, include: ['A'] }),
      at: '.secret.include',
    },
    ...Object.fromEntries(
      ['basic-auth', 'dockerconfigjson', 'ssh-auth', 'tls'].map((type) => [
        `for a ${type} Secret without what it demands`,
        {
          spec: withSecret({ type: `kubernetes.io/${type}`, data: { 'tls.crt': 'a' }, include: ['b'] }),
          at: '.secret.type',
        },
      ]),
    ),
    'for a workload without name and selector': {
      spec: withRestart({ kind: 'Deployment' }),
      at: '.restart[0].name',
    },
    'for a workload with both': { spec: withRestart({ ...workload, selector: {} }), at: '.restart[0].name' },
    'for a workload with a name in capitals': {
      spec: withRestart(workload, { kind: 'Deployment', name: 'Orders' }),
      at: '.restart[1].name',
    },
    'for a requirement without values': {
      spec: requiring({ key: 'a', operator: 'In' }),
      at: '.restart[0].selector.matchExpressions[0]',
    },
    'for a requirement with values that it cannot have': {
      spec: requiring({ key: 'a', operator: 'Exists', values: ['b'] }),
      at: '.restart[0].selector.matchExpressions[0]',
    },
  };

  test.each(Object.entries(cases))('%s', (_what, { spec, at }) => {
    const [issue] = leaseSpec.safeParse(spec).error?.issues ?? [];
    const [said = ''] = violations(schema, spec);
    const field = ['', ...(issue?.path ?? [])].join('.').replaceAll(/[.](\d+)/g, '[$1]');
    expect(field).toBe(at);
    expect(issue?.message).toMatch(/^must /);
    expect(said.startsWith(`${at}: `)).toBe(true);
    expect(said.endsWith(` ${issue?.message ?? ''}`)).toBe(true);
  });
});

test("only the operator's own key of config is refused", () => {
  const spec = { ...least, config: { Leaseholder: 1, 'leaseholder.dev': 2, constructor: 3 } };
  expect(leaseSpec.safeParse(spec).success).toBe(true);
  expect(violations(schema, spec)).toEqual([]);
});

test.each([
  ['has the key that JavaScript keeps prototypes in', '{"__proto__": {"admin": true}}'],
  ['has it inside', '{"a": [{"b": {"__proto__": 1}}]}'],
  ['has the other way to a prototype', '{"constructor": {"prototype": {}}}'],
])('a config that %s is refused by name: servers refuse it without one', (_what, config) => {
  const issues = leaseSpec.safeParse({ ...least, config: JSON.parse(config) as unknown }).error?.issues;
  expect(issues).toMatchObject([
    { path: ['config'], message: expect.stringContaining('__proto__') as string },
  ]);
});

describe.each(['labels', 'annotations'])('%s', (map) => {
  test.each([
    ['team', true],
    ['example.com/team', true],
    ['app.kubernetes.io/name', true],
    ['a', true],
    ['A_b.c-d', true],
    ['a'.repeat(63), true],
    ['constructor', true],
    [`${'a'.repeat(253)}/b`, true],
    [`${'a'.repeat(254)}/b`, false],
    ['a'.repeat(64), false],
    ['', false],
    ['a b', false],
    ['-a', false],
    ['a-', false],
    ['Example.com/a', false],
    ['a..b/c', false],
    ['/a', false],
    ['a/', false],
    ['a/b/c', false],
    ['leaseholder.dev/lease', false],
    ['leaseholder.dev/managed', false],
    ['kubernetes.io/service-account.name', false],
    ['k8s.io/x', false],
  ])('the key %j: %s', (key, allowed) => {
    const spec = withSecret({ [map]: { [key]: 'v' } });
    expect(leaseSpec.safeParse(spec).success).toBe(allowed);
    expect(violations(schema, spec).length === 0).toBe(allowed);
  });
});

describe('whatever is applied', () => {
  const text = fc.oneof(
    fc.constantFrom('1h', '59s', '10y', '91%', '33%', '/', '/eu', '/eu/', 'a-b', 'a--b', 'A', '', 'Revoke'),
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  const key = fc.oneof(
    fc.constantFrom('team', 'leaseholder.dev/x', 'a/b', 'k8s.io/x'),
    fc.string({ maxLength: 5 }),
  );
  const map = fc.dictionary(key, text, { maxKeys: 3 });
  const type = fc.constantFrom('Opaque', 'kubernetes.io/tls', 'kubernetes.io/basic-auth', 'opaque');
  const secretKey = fc.oneof(
    fc.constantFrom('tls.crt', 'tls.key', 'username', 'password', '..a'),
    fc.string({ maxLength: 3 }),
  );
  const selector = fc.record(
    {
      matchLabels: fc.dictionary(key, fc.oneof(text, fc.string({ minLength: 60, maxLength: 66 })), {
        maxKeys: 3,
      }),
      matchExpressions: fc.array(
        fc.record(
          { key, operator: fc.constantFrom('In', 'Exists', 'Gt'), values: fc.array(text, { maxLength: 2 }) },
          { requiredKeys: ['key', 'operator'] },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  );
  const spec = fc.record(
    {
      connectionRef: fc.record({ kind: fc.constantFrom('InfisicalConnection', 'Secret'), name: text }),
      dynamicSecret: fc.record(
        { name: text, projectSlug: text, environmentSlug: text, path: text },
        { requiredKeys: ['name', 'projectSlug', 'environmentSlug'] },
      ),
      ttl: text,
      rotation: fc.record({ before: text }, { requiredKeys: [] }),
      revocation: fc.record({ onDelete: text, timeout: text }, { requiredKeys: [] }),
      secret: fc.record(
        { name: text, labels: map, annotations: map, adoption: text, deletionPolicy: text },
        { requiredKeys: [] },
      ),
      shape: fc.record(
        {
          type: type,
          data: fc.dictionary(secretKey, text, { maxKeys: 3 }),
          include: fc.array(secretKey, { maxLength: 3 }),
        },
        { requiredKeys: [] },
      ),
      restart: fc.array(
        fc.record(
          { kind: fc.constantFrom('Rollout', 'Pod'), name: text, selector },
          { requiredKeys: ['kind'] },
        ),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: ['connectionRef', 'dynamicSecret'] },
  );

  /** One field at a time is drawn, so that a difference is not hidden by another fault. */
  const oneField = spec.chain((drawn) =>
    fc
      .constantFrom(...Object.entries(drawn))
      .map(([field, value]) => ({ ...least, [field === 'shape' ? 'secret' : field]: value })),
  );

  test('is accepted or refused alike by zod and by the API server', () => {
    fc.assert(
      fc.property(oneField, (applied) => {
        expect(leaseSpec.safeParse(applied).success).toBe(violations(schema, applied).length === 0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a status', () => {
  const status = aStatus({ retiring: [{ ...aRef({ id: 'old' }), attempts: 1, reason: 'NoAnswer' }] });

  test('is read as it was written', () => {
    expect(leaseStatus.parse(status)).toEqual(status);
    expect(violations(structural(leaseStatus), status)).toEqual([]);
  });

  test('that nobody has written yet is one', () => {
    expect(leaseStatus.parse({ observedGeneration: -1 })).toEqual({ observedGeneration: -1 });
  });

  test('with seventeen retiring leases is none', () => {
    const retiring = Array.from({ length: 17 }, (_, index) => aRef({ id: String(index) }));
    expect(leaseStatus.safeParse({ retiring }).success).toBe(false);
    expect(violations(structural(leaseStatus), { retiring })).toEqual(['.retiring: maxItems']);
  });
});

test('an object is read with what the API server always sends, and defaults for what it leaves out', () => {
  const metadata = { name: 'orders-db', namespace: 'shop', uid: 'u', resourceVersion: '1' };
  expect(leaseObject.parse({ metadata, spec: least }).metadata).toEqual({
    ...metadata,
    generation: 0,
    finalizers: [],
    labels: {},
    annotations: {},
  });
});
