import type { JsonObject } from '../../../../src/api/crd.ts';
import { acceptances, refusals, without, type RefusedRow } from './rows.ts';

const target = { name: 'orders', projectSlug: 'shop', environmentSlug: 'prod' };

/** The least that a lease needs. */
export const leastLease = { connectionRef: { name: 'infisical' }, dynamicSecret: target };

const lease = (part: JsonObject): JsonObject => ({ ...leastLease, ...part });
const targeting = (part: JsonObject): JsonObject => lease({ dynamicSecret: { ...target, ...part } });
const rotating = (before: unknown): JsonObject => lease({ rotation: { before } });
const revoking = (part: JsonObject): JsonObject => lease({ revocation: part });
const delivering = (part: JsonObject): JsonObject => lease({ secret: part });
const labelled = (labels: unknown): JsonObject => delivering({ labels });
const restarting = (...restart: readonly unknown[]): JsonObject => lease({ restart });
const selecting = (selector: unknown): JsonObject => restarting({ kind: 'Deployment', selector });
const requiring = (requirement: JsonObject): JsonObject => selecting({ matchExpressions: [requirement] });
const annotated = (annotations: unknown): JsonObject => delivering({ annotations });
const entries = (count: number): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`entry-${String(index)}`, '']));

const PREFIX_253 = `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(61);

const workload = { kind: 'Deployment', name: 'orders' };

export const acceptedLeases: Readonly<Record<string, JsonObject>> = {
  'the least that is needed': leastLease,
  'everything at once': {
    connectionRef: { kind: 'InfisicalConnection', name: 'infisical.eu' },
    dynamicSecret: { ...target, path: '/team/orders' },
    ttl: '1h',
    config: { namespace: 'orders', nested: { list: [1, 'two', null, { three: 3.5 }], yes: true } },
    rotation: { strategy: 'Renew', before: '33%' },
    revocation: { onDelete: 'Revoke', onRotation: 'Revoke', gracePeriod: '5m', timeout: '10m' },
    suspend: true,
    secret: {
      name: 'orders-db',
      labels: { 'app.kubernetes.io/part-of': 'shop', tier: '' },
      annotations: { 'example.com/why': 'a "text" of any kind\nin two lines' },
      type: 'kubernetes.io/basic-auth',
      data: { username: '{{ DB_USERNAME }}', URL: 'postgres://{{ DB_USERNAME | url_encode }}@db/orders' },
      include: ['DB_PASSWORD'],
      adoption: 'Adopt',
      deletionPolicy: 'Retain',
    },
    restart: [
      { kind: 'Deployment', name: 'orders' },
      { kind: 'StatefulSet', selector: { matchLabels: { uses: 'orders-db' } } },
    ],
  },
  'groups of fields with nothing in them': lease({ config: {}, rotation: {}, revocation: {}, secret: {} }),
  'a DynamicSecret for what is leased': { dynamicSecretRef: { name: 'orders.eu-1' } },
  'a DynamicSecret, and a connection': {
    connectionRef: { name: 'infisical' },
    dynamicSecretRef: { name: 'orders' },
  },
  ...acceptances('spec.connectionRef.name', ['a', '1', 'eu.infisical-1', 'a'.repeat(253)], (name) =>
    lease({ connectionRef: { name } }),
  ),
  ...acceptances('spec.dynamicSecret.name', ['a', '1', 'orders-postgres-2', 'a'.repeat(64)], (name) =>
    targeting({ name }),
  ),
  ...acceptances('spec.dynamicSecret.projectSlug', ['a', 'Shop_2-eu', 'a'.repeat(253)], (projectSlug) =>
    targeting({ projectSlug }),
  ),
  ...acceptances('spec.dynamicSecret.path', ['/', '/a', '/a/b', '/A_b-9/-', `/${'a'.repeat(1023)}`], (path) =>
    targeting({ path }),
  ),
  ...acceptances('spec.ttl', ['1m', '60s', '90m', '7d', '520w', '10y', '315576000s'], (ttl) =>
    lease({ ttl }),
  ),
  ...acceptances('spec.rotation.before', ['1%', '33%', '90%', '1s', '10m', '999999999y'], rotating),
  ...acceptances('spec.revocation.onDelete', ['Revoke', 'Expire'], (onDelete) => revoking({ onDelete })),
  ...acceptances('spec.revocation.timeout', ['1s', '10m', '1y', '31557600s'], (timeout) =>
    revoking({ timeout }),
  ),
  ...acceptances('spec.rotation.strategy', ['ReLease', 'Renew'], (strategy) =>
    lease({ rotation: { strategy } }),
  ),
  ...acceptances('spec.revocation.onRotation', ['Expire', 'Revoke'], (onRotation) =>
    revoking({ onRotation }),
  ),
  ...acceptances('spec.revocation.gracePeriod', ['1s', '5m', '1y'], (gracePeriod) =>
    revoking({ gracePeriod }),
  ),
  ...acceptances('spec.suspend', [true, false], (suspend) => lease({ suspend })),
  ...acceptances('spec.secret.name', ['a', 'orders.db-1', 'a'.repeat(253)], (name) => delivering({ name })),
  ...acceptances(
    'spec.secret.labels',
    [
      { 'app.kubernetes.io/part-of': 'shop', 'x.leaseholder.dev/a': 'b', 'a.k8s.io/b': 'c' },
      { 'leaseholder.dev': 'no-prefix', 'kubernetes.io': 'no-prefix' },
      { empty: '', most: 'a'.repeat(63), ['k'.repeat(63)]: 'Aa0-_.Z', [`${PREFIX_253}/a`]: '1' },
      entries(32),
    ],
    labelled,
  ),
  ...acceptances(
    'spec.secret.annotations',
    [{ 'config.kubernetes.io/a': ' any text, "quoted" \n' }, { most: '😀'.repeat(4096) }, entries(32)],
    annotated,
  ),
  ...acceptances('spec.secret.propagation', ['Kubelet', 'Nudge'], (propagation) =>
    delivering({ propagation }),
  ),
  ...acceptances(
    'spec.secret.type',
    [
      'Opaque',
      'kubernetes.io/basic-auth',
      'kubernetes.io/dockerconfigjson',
      'kubernetes.io/ssh-auth',
      'kubernetes.io/tls',
    ],
    (type) => delivering({ type }),
  ),
  ...acceptances(
    'spec.secret.data',
    [
      { DATABASE_URL: 'postgres://{{ DB_USERNAME | url_encode }}@db/orders' },
      { '.pgpass': '', 'tls.crt': 'a', '-': 'b', ['k'.repeat(253)]: '😀'.repeat(4096) },
      // What a template says is looked at by the operator.
      { A: '{{' },
      entries(64),
    ],
    (data) => delivering({ data }),
  ),
  ...acceptances(
    'spec.secret.include',
    [['DB_USERNAME'], ['a', '.b', 'c..d'], Object.keys(entries(64))],
    (include) => delivering({ include }),
  ),
  'templates beside copied keys': delivering({ data: { A: 'a' }, include: ['B'] }),
  'what a type demands, in data or include': delivering({
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': '{{ a }}' },
    include: ['tls.key'],
  }),
  'one of the keys that basic-auth demands': delivering({
    type: 'kubernetes.io/basic-auth',
    include: ['password'],
  }),
  ...acceptances('spec.secret.adoption', ['Refuse', 'Adopt'], (adoption) => delivering({ adoption })),
  ...acceptances('spec.secret.deletionPolicy', ['Delete', 'Retain'], (deletionPolicy) =>
    delivering({ deletionPolicy }),
  ),
  ...acceptances('spec.restart', [[], Array.from({ length: 16 }, () => workload)], (restart) =>
    lease({ restart }),
  ),
  ...acceptances('spec.restart[0].kind', ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'], (kind) =>
    restarting({ kind, name: 'orders' }),
  ),
  ...acceptances('spec.restart[0].name', ['a', 'orders.db-1', 'a'.repeat(253)], (name) =>
    restarting({ kind: 'Deployment', name }),
  ),
  ...acceptances(
    'spec.restart[0].selector',
    [
      {},
      { matchLabels: { ...entries(63), most: '😀'.repeat(63) } },
      { matchExpressions: Array.from({ length: 64 }, () => ({ key: 'a', operator: 'Exists' })) },
      {
        matchLabels: { uses: 'orders-db' },
        matchExpressions: [
          { key: '😀'.repeat(317), operator: 'In', values: Object.keys(entries(64)) },
          { key: 'tier', operator: 'NotIn', values: ['', 'a'.repeat(63)] },
          { key: 'tier', operator: 'DoesNotExist', values: [] },
        ],
      },
    ],
    selecting,
  ),
};

const ONE_TARGET = 'spec must have exactly one of dynamicSecret and dynamicSecretRef';
const REQUIREMENT = 'spec.restart[0].selector.matchExpressions[0]';
const ONE_WAY = 'an entry of restart must have exactly one of name and selector';
const NAME = "must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.'";
const WRONG_NAMES = ['', 'Infisical', 'eu_infisical', '-a', 'a-', '.a', 'a..b', 'a/b', 'a b', 'ä', 'a\n'];
const WRONG_SLUGS = ['', 'My Shop', '-a', 'a-', 'a/b', 'a.b', 'ä'];
const SPELLING = 'must be a whole number and one of the units s, m, h, d, w, y (90m, not 1h30m)';
const NOT_TEXT = 'must be of type string';
const KEYS = 'must have keys of the form [prefix/]name';
const RESERVED = 'must not use the prefixes leaseholder.dev/, kubernetes.io/, k8s.io/';
const WRONG_KEYS = [
  { '': '' },
  { 'a b': '' },
  { '-a': '' },
  { 'a-': '' },
  { 'Example.com/a': '' },
  { 'a..b/c': '' },
  { 'a.-b/c': '' },
  { 'a/b/c': '' },
  { '/a': '' },
  { 'a/': '' },
  { ['a'.repeat(64)]: '' },
  { [`b${PREFIX_253}/a`]: '' },
];
const RESERVED_KEYS = [
  { 'leaseholder.dev/managed': 'false' },
  { 'leaseholder.dev/shard': 'b' },
  { 'kubernetes.io/service-account.name': 'default' },
  { 'k8s.io/a': 'b' },
];

function lacking(key: keyof typeof target): Record<string, RefusedRow> {
  const field = `spec.dynamicSecret.${key}`;
  return refusals(field, 'Required value', [undefined], () => lease({ dynamicSecret: without(target, key) }));
}

export const refusedLeases: Readonly<Record<string, RefusedRow>> = {
  'no spec.connectionRef': {
    spec: without(leastLease, 'connectionRef'),
    field: 'spec.connectionRef',
    says: 'connectionRef must be given beside dynamicSecret: only what dynamicSecretRef names says itself which connection it uses',
  },
  'no spec.dynamicSecret': {
    spec: without(leastLease, 'dynamicSecret'),
    field: 'spec',
    says: ONE_TARGET,
  },
  'nothing at all': { spec: {}, field: 'spec', says: ONE_TARGET },
  'both spec.dynamicSecret and spec.dynamicSecretRef': {
    spec: lease({ dynamicSecretRef: { name: 'orders' } }),
    field: 'spec',
    says: ONE_TARGET,
  },
  ...refusals('spec.dynamicSecretRef.name', 'Required value', [undefined], () => ({ dynamicSecretRef: {} })),
  ...refusals('spec.dynamicSecretRef.name', NAME, WRONG_NAMES, (name) => ({ dynamicSecretRef: { name } })),
  ...refusals('spec.dynamicSecretRef.name', 'Too long', ['a'.repeat(254)], (name) => ({
    dynamicSecretRef: { name },
  })),
  ...refusals('spec.connectionRef.kind', 'supported values: "InfisicalConnection"', ['Vault', ''], (kind) =>
    lease({ connectionRef: { kind, name: 'infisical' } }),
  ),
  ...refusals('spec.connectionRef.name', 'Required value', [undefined], () => lease({ connectionRef: {} })),
  ...refusals('spec.connectionRef.name', NAME, WRONG_NAMES, (name) => lease({ connectionRef: { name } })),
  ...refusals('spec.connectionRef.name', 'Too long', ['a'.repeat(254)], (name) =>
    lease({ connectionRef: { name } }),
  ),
  ...lacking('name'),
  ...lacking('projectSlug'),
  ...lacking('environmentSlug'),
  ...refusals(
    'spec.dynamicSecret.name',
    'must be lower-case letters and digits with single hyphens between them, such as orders-postgres',
    ['', 'Orders', 'orders_pg', 'a--b', '-a', 'a-', 'a.b', 'a b', 'ä', 'orders\n'],
    (name) => targeting({ name }),
  ),
  ...refusals('spec.dynamicSecret.name', 'Too long', ['a'.repeat(65)], (name) => targeting({ name })),
  ...refusals('spec.dynamicSecret.name', NOT_TEXT, [7, true, ['orders']], (name) => targeting({ name })),
  ...refusals(
    'spec.dynamicSecret.projectSlug',
    'must be the slug of the project, not its display name',
    WRONG_SLUGS,
    (projectSlug) => targeting({ projectSlug }),
  ),
  ...refusals('spec.dynamicSecret.projectSlug', 'Too long', ['a'.repeat(254)], (projectSlug) =>
    targeting({ projectSlug }),
  ),
  ...refusals(
    'spec.dynamicSecret.environmentSlug',
    'must be the slug of the environment, not its display name',
    WRONG_SLUGS,
    (environmentSlug) => targeting({ environmentSlug }),
  ),
  ...refusals('spec.dynamicSecret.environmentSlug', 'Too long', ['a'.repeat(254)], (environmentSlug) =>
    targeting({ environmentSlug }),
  ),
  ...refusals(
    'spec.dynamicSecret.path',
    'must be / or folders such as /team/orders',
    ['', 'database', '//a', '/a/', '/a//b', '/a b', '/a.b', '/../a'],
    (path) => targeting({ path }),
  ),
  ...refusals('spec.dynamicSecret.path', 'Too long', [`/${'a'.repeat(1024)}`], (path) => targeting({ path })),
  ...refusals(
    'spec.ttl',
    `ttl ${SPELLING}, from 1m to 10y`,
    [
      '',
      '1h30m',
      '59s',
      '0m',
      '-1h',
      '1.5h',
      '11y',
      '315576001s',
      '3600',
      'PT1H',
      '1M',
      '1 h',
      ' 1h',
      '1h\n',
    ],
    (ttl) => lease({ ttl }),
  ),
  ...refusals('spec.ttl', 'Too long', ['an hour and thirty minutes, please'], (ttl) => lease({ ttl })),
  ...refusals('spec.ttl', NOT_TEXT, [3600, true, {}], (ttl) => lease({ ttl })),
  ...refusals(
    'spec.rotation.before',
    "rotation.before must be a share of the lease's life from 1% to 90%, or a duration such as 10m",
    ['', '0%', '91%', '95%', '100%', '1.5%', '%', '33 %', '1h30m', '0s', '600'],
    rotating,
  ),
  ...refusals('spec.rotation.before', 'Too long', ['a third of the life of the lease..'], rotating),
  ...refusals('spec.rotation.before', NOT_TEXT, [33], rotating),
  ...refusals(
    'spec.revocation.onDelete',
    'supported values: "Revoke", "Expire"',
    ['Keep', 'revoke', ''],
    (onDelete) => revoking({ onDelete }),
  ),
  ...refusals(
    'spec.revocation.timeout',
    `revocation.timeout ${SPELLING}, from 1s to 1y`,
    ['', '0s', '2y', '31557601s', '10', '1h30m'],
    (timeout) => revoking({ timeout }),
  ),
  ...refusals('spec.revocation.timeout', 'Too long', ['ten minutes or a little more than it'], (timeout) =>
    revoking({ timeout }),
  ),
  ...refusals(
    'spec.rotation.strategy',
    'supported values: "ReLease", "Renew"',
    ['renew', 'Rotate', ''],
    (strategy) => lease({ rotation: { strategy } }),
  ),
  ...refusals(
    'spec.revocation.onRotation',
    'supported values: "Expire", "Revoke"',
    ['Keep', 'revoke', ''],
    (onRotation) => revoking({ onRotation }),
  ),
  ...refusals(
    'spec.revocation.gracePeriod',
    `revocation.gracePeriod ${SPELLING}, from 1s to 1y`,
    ['', '0s', '2y', '5', '1h30m'],
    (gracePeriod) => revoking({ gracePeriod }),
  ),
  ...refusals(
    'spec.revocation.gracePeriod',
    'Too long',
    ['five minutes or a little more than that'],
    (gracePeriod) => revoking({ gracePeriod }),
  ),
  ...refusals('spec.suspend', 'must be of type boolean', ['true', 1, 'yes'], (suspend) => lease({ suspend })),
  ...refusals('spec.config', 'must be of type object', ['a text', [], 1], (config) => lease({ config })),
  ...refusals(
    'spec.config',
    "config must not have the key leaseholder, which is the operator's own",
    [{ leaseholder: {} }, { leaseholder: { object: 'mine' }, other: 1 }],
    (config) => lease({ config }),
  ),
  ...refusals('spec.config.leaseholder', 'must be of type object', ['mine', 1, false, []], (leaseholder) =>
    lease({ config: { leaseholder } }),
  ),
  ...refusals('spec.secret.name', NAME, WRONG_NAMES, (name) => delivering({ name })),
  ...refusals('spec.secret.name', 'Too long', ['a'.repeat(254)], (name) => delivering({ name })),
  ...refusals('spec.secret.labels', `labels ${RESERVED}`, RESERVED_KEYS, labelled),
  ...refusals('spec.secret.labels', `labels ${KEYS}`, WRONG_KEYS, labelled),
  ...refusals('spec.secret.labels', 'Too many', [entries(33)], labelled),
  ...refusals('spec.secret.labels', 'must be of type object', [['a']], labelled),
  ...refusals(
    'spec.secret.labels[tier]',
    "a label must be empty, or letters, digits, '-', '_' and '.' that begin and end with a letter or digit",
    ['a b', '-a', 'a-', 'a/b', 'ä'],
    (tier) => labelled({ tier }),
  ),
  ...refusals('spec.secret.labels.tier', 'Too long', ['a'.repeat(64)], (tier) => labelled({ tier })),
  ...refusals('spec.secret.labels.tier', NOT_TEXT, [1, true], (tier) => labelled({ tier })),
  ...refusals('spec.secret.annotations', `annotations ${RESERVED}`, RESERVED_KEYS, annotated),
  ...refusals('spec.secret.annotations', `annotations ${KEYS}`, WRONG_KEYS, annotated),
  ...refusals('spec.secret.annotations', 'Too many', [entries(33)], annotated),
  ...refusals('spec.secret.annotations.why', 'Too long', ['a'.repeat(4097)], (why) => annotated({ why })),
  ...refusals('spec.secret.annotations.why', NOT_TEXT, [1], (why) => annotated({ why })),
  ...refusals(
    'spec.secret.propagation',
    'supported values: "Kubelet", "Nudge"',
    ['nudge', 'Restart', ''],
    (propagation) => delivering({ propagation }),
  ),
  ...refusals(
    'spec.secret.type',
    'supported values: "Opaque"',
    [
      '',
      'opaque',
      'kubernetes.io/service-account-token',
      'bootstrap.kubernetes.io/token',
      'example.com/mine',
    ],
    (type) => delivering({ type }),
  ),
  ...refusals(
    'spec.secret.data',
    `data must have keys that a Secret can have`,
    [
      { '': 'a' },
      { '.': 'a' },
      { '..': 'a' },
      { '..a': 'a' },
      { 'a b': 'a' },
      { 'a/b': 'a' },
      { ä: 'a' },
      { ['k'.repeat(254)]: 'a' },
    ],
    (data) => delivering({ data }),
  ),
  ...refusals('spec.secret.data', 'should have at least', [{}], (data) => delivering({ data })),
  ...refusals('spec.secret.data', 'Too many', [entries(65)], (data) => delivering({ data })),
  ...refusals('spec.secret.data', 'must be of type object', [['a'], 'a'], (data) => delivering({ data })),
  ...refusals('spec.secret.data.A', 'Too long', ['a'.repeat(4097)], (A) => delivering({ data: { A } })),
  ...refusals('spec.secret.data.A', NOT_TEXT, [1, true], (A) => delivering({ data: { A } })),
  ...refusals(
    'spec.secret.include[0]',
    'include must be a key that a Secret can have',
    ['', '.', '..', '..a', 'a b', 'a/b', 'ä'],
    (key) => delivering({ include: [key] }),
  ),
  ...refusals('spec.secret.include[0]', 'Too long', ['a'.repeat(254)], (key) =>
    delivering({ include: [key] }),
  ),
  ...refusals('spec.secret.include[0]', NOT_TEXT, [1], (key) => delivering({ include: [key] })),
  ...refusals('spec.secret.include', 'should have at least', [[]], (include) => delivering({ include })),
  ...refusals('spec.secret.include', 'Too many', [Object.keys(entries(65))], (include) =>
    delivering({ include }),
  ),
  ...refusals('spec.secret.include[1]', 'Duplicate value', [['a', 'a']], (include) =>
    delivering({ include }),
  ),
  ...refusals(
    'spec.secret.include',
    'include must not name a key that data has, too',
    [['A', 'B']],
    (include) => delivering({ include, data: { A: 'a' } }),
  ),
  ...refusals(
    'spec.secret.type',
    'type must not be kubernetes.io/basic-auth without username or password',
    [{ include: ['a'] }, { data: { a: 'a' } }, { include: ['a'], data: { b: 'b' } }],
    (part) => delivering({ type: 'kubernetes.io/basic-auth', ...(part as JsonObject) }),
  ),
  ...refusals(
    'spec.secret.type',
    'type must not be kubernetes.io/tls without tls.crt and tls.key',
    [{ include: ['tls.key'] }, { data: { 'tls.crt': 'a' }, include: ['b'] }],
    (part) => delivering({ type: 'kubernetes.io/tls', ...(part as JsonObject) }),
  ),
  ...refusals(
    'spec.secret.type',
    'type must not be kubernetes.io/ssh-auth without ssh-privatekey',
    [['a']],
    (include) => delivering({ type: 'kubernetes.io/ssh-auth', include }),
  ),
  ...refusals(
    'spec.secret.type',
    'type must not be kubernetes.io/dockerconfigjson without .dockerconfigjson',
    [{ a: 'a' }],
    (data) => delivering({ type: 'kubernetes.io/dockerconfigjson', data }),
  ),
  ...refusals(
    'spec.secret.adoption',
    'supported values: "Refuse", "Adopt"',
    ['adopt', 'Take', ''],
    (adoption) => delivering({ adoption }),
  ),
  ...refusals(
    'spec.secret.deletionPolicy',
    'supported values: "Delete", "Retain"',
    ['retain', 'Keep', ''],
    (deletionPolicy) => delivering({ deletionPolicy }),
  ),
  ...refusals('spec.restart', 'must be of type array', ['orders', {}], (restart) => lease({ restart })),
  ...refusals('spec.restart', 'Too many', [Array.from({ length: 17 }, () => workload)], (restart) =>
    lease({ restart }),
  ),
  ...refusals('spec.restart[0].kind', 'Required value', [undefined], () => restarting({ name: 'orders' })),
  ...refusals(
    'spec.restart[0].kind',
    'supported values: "Deployment", "StatefulSet", "DaemonSet", "Rollout"',
    ['Pod', 'CronJob', 'deployment', ''],
    (kind) => restarting({ kind, name: 'orders' }),
  ),
  ...refusals('spec.restart[1].name', ONE_WAY, [undefined], () =>
    restarting(workload, { kind: 'Deployment' }),
  ),
  ...refusals('spec.restart[0].name', ONE_WAY, ['beside a selector'], () =>
    restarting({ ...workload, selector: {} }),
  ),
  ...refusals('spec.restart[0].name', NAME, WRONG_NAMES, (name) => restarting({ kind: 'Deployment', name })),
  ...refusals('spec.restart[0].name', 'Too long', ['a'.repeat(254)], (name) =>
    restarting({ kind: 'Deployment', name }),
  ),
  ...refusals('spec.restart[0].selector', 'must be of type object', ['uses=orders-db', []], selecting),
  ...refusals('spec.restart[0].selector.matchLabels', 'Too many', [entries(65)], (matchLabels) =>
    selecting({ matchLabels }),
  ),
  ...refusals('spec.restart[0].selector.matchLabels.uses', 'Too long', ['a'.repeat(64)], (uses) =>
    selecting({ matchLabels: { uses } }),
  ),
  ...refusals('spec.restart[0].selector.matchLabels.uses', NOT_TEXT, [1, true], (uses) =>
    selecting({ matchLabels: { uses } }),
  ),
  ...refusals(
    'spec.restart[0].selector.matchExpressions',
    'Too many',
    [Array.from({ length: 65 }, () => ({ key: 'a', operator: 'Exists' }))],
    (matchExpressions) => selecting({ matchExpressions }),
  ),
  ...refusals(`${REQUIREMENT}.key`, 'Required value', [undefined], () => requiring({ operator: 'Exists' })),
  ...refusals(`${REQUIREMENT}.key`, 'should be at least', [''], (key) =>
    requiring({ key, operator: 'Exists' }),
  ),
  ...refusals(`${REQUIREMENT}.key`, 'Too long', ['a'.repeat(318)], (key) =>
    requiring({ key, operator: 'Exists' }),
  ),
  ...refusals(`${REQUIREMENT}.operator`, 'Required value', [undefined], () => requiring({ key: 'a' })),
  ...refusals(
    `${REQUIREMENT}.operator`,
    'supported values: "In", "NotIn", "Exists", "DoesNotExist"',
    ['in', 'Gt', ''],
    (operator) => requiring({ key: 'a', operator }),
  ),
  ...refusals(
    REQUIREMENT,
    'matchExpressions must have values with In and NotIn, and none with Exists and DoesNotExist',
    [
      { operator: 'In' },
      { operator: 'NotIn', values: [] },
      { operator: 'Exists', values: ['b'] },
      { operator: 'DoesNotExist', values: ['b'] },
    ],
    (part) => requiring({ key: 'a', ...(part as JsonObject) }),
  ),
  ...refusals(`${REQUIREMENT}.values`, 'Too many', [Object.keys(entries(65))], (values) =>
    requiring({ key: 'a', operator: 'In', values }),
  ),
  ...refusals(`${REQUIREMENT}.values[0]`, 'Too long', ['a'.repeat(64)], (value) =>
    requiring({ key: 'a', operator: 'In', values: [value] }),
  ),
};
