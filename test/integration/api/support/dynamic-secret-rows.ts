import type { JsonObject } from '../../../../src/api/crd.ts';
import { acceptances, refusals, without, type RefusedRow } from './rows.ts';

/** The inputs of the API's own example of a dynamic secret, but for its password. */
export const exampleInputs = {
  client: 'postgres',
  host: 'db.internal.example.com',
  port: 5432,
  database: 'appdb',
  username: 'infisical_admin',
  creationStatement: `CREATE ROLE "{{username}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{username}}";`,
  revocationStatement: `REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA public FROM "{{username}}"; DROP ROLE IF EXISTS "{{username}}";`,
  renewStatement: `ALTER ROLE "{{username}}" VALID UNTIL '{{expiration}}';`,
};

const source = (input: unknown, part: JsonObject = {}): JsonObject => ({
  input,
  secretKeyRef: { name: 'admin', key: 'password', ...part },
});

/** The API's own example of a dynamic secret, with its password in a Secret. */
export const leastDynamicSecret = {
  connectionRef: { name: 'infisical' },
  name: 'postgres-dynamic',
  projectSlug: 'my-project',
  environmentSlug: 'prod',
  path: '/database',
  defaultTTL: '1h',
  maxTTL: '24h',
  provider: { type: 'sql-database', inputs: exampleInputs },
  inputsFrom: [source('password')],
};

const secret = (part: JsonObject): JsonObject => ({ ...leastDynamicSecret, ...part });
const provider = (part: JsonObject): JsonObject =>
  secret({ provider: { ...leastDynamicSecret.provider, ...part } });
const sql = (part: JsonObject): JsonObject => provider({ inputs: { ...exampleInputs, ...part } });
const other = (inputs: unknown, inputsFrom: readonly unknown[] = [], type = 'star-gate'): JsonObject =>
  secret({ provider: { type, inputs }, inputsFrom });
const sourced = (...inputsFrom: readonly unknown[]): JsonObject =>
  secret({ inputsFrom: [source('password'), ...inputsFrom] });
const marked = (...metadata: readonly unknown[]): JsonObject => secret({ metadata });
const named = (part: JsonObject): JsonObject => secret({ connectionRef: part });

const requirements = { length: 48, required: { lowercase: 1, uppercase: 1, digits: 1, symbols: 0 } };
const demanding = (part: JsonObject): JsonObject =>
  sql({ passwordRequirements: { ...requirements, ...part } });
const least = (part: JsonObject): JsonObject =>
  demanding({ required: { ...requirements.required, ...part } });
const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `input${String(index)}`);

export const acceptedDynamicSecrets: Readonly<Record<string, JsonObject>> = {
  "the API's example, field by field": leastDynamicSecret,
  'everything at once': {
    ...sql({
      ca: '-----BEGIN CERTIFICATE-----',
      sslEnabled: true,
      gatewayId: '0b2b6a3e-9d6e-4f6e-8a3c-6d6f2f0e7a11',
      passwordRequirements: { ...requirements, allowedSymbols: '-_.~' },
      sslRejectUnauthorized: false,
    }),
    connectionRef: { kind: 'ClusterInfisicalConnection', name: 'shared' },
    usernameTemplate: 'shop_{{randomUsername}}',
    metadata: [
      { key: 'team', value: 'orders' },
      { key: 'note', value: '' },
    ],
    adoption: 'Adopt',
    deletionPolicy: 'Retain',
  },
  'inputs that only the server understands': other({
    chevrons: 7,
    nested: { list: [1, 'two', { three: 3.5 }] },
  }),
  'no inputs': other({}),
  'an administrator in a Secret': {
    ...provider({ inputs: without(exampleInputs, 'username') }),
    inputsFrom: [source('password'), source('username', { key: 'username' })],
  },
  'a password inside another input': other(
    { host: 'es', port: 9200, auth: { type: 'user', username: 'admin' } },
    [source('auth.password')],
    'elastic-search',
  ),
  'the address of a cluster': other({ url: 'https://example.com' }, [source('clusterToken')], 'kubernetes'),
  'the link of a totp in a Secret': other({ configType: 'url' }, [source('url')], 'totp'),
  'sixteen sources': other(
    {},
    numbered(16).map((input) => source(input)),
  ),
  '31 entries of metadata': marked(...numbered(31).map((key) => ({ key, value: 'a'.repeat(1020) }))),
  ...acceptances('spec.name', ['a', '1', 'orders-postgres-2', 'a'.repeat(64)], (name) => secret({ name })),
  ...acceptances('spec.maxTTL', ['1h', '60m', '10y'], (maxTTL) => secret({ maxTTL })),
  ...acceptances('spec.provider.inputs.port', [1, 65_535], (port) => sql({ port })),
  ...acceptances('spec.provider.inputs.client', ['mysql2', 'oracledb', 'mssql'], (client) => sql({ client })),
  ...acceptances(
    'spec.usernameTemplate',
    [
      '{{ randomUsername }}',
      'a_{{unixTimestamp}}-{{identity.name}}',
      "{{replace identity.name ' ' '_'}}",
      'a'.repeat(255),
    ],
    (usernameTemplate) => secret({ usernameTemplate }),
  ),
  ...acceptances('spec.provider.inputs.passwordRequirements.length', [3, 250], (length) =>
    demanding({ length }),
  ),
};

const NAME = 'name must be the name of a Kubernetes object';
const CREDENTIAL =
  'must not be among the inputs, where everybody who may read this object reads it: put it in a Secret and name it in inputsFrom';
const PLAIN = 'must not be empty, nor begin or end with a space';
const SPELLING =
  'must be a whole number and one of the units s, m, h, d, w, y (90m, not 1h30m), from 1m to 10y';

const required = [
  'client',
  'host',
  'port',
  'database',
  'username',
  'creationStatement',
  'revocationStatement',
];

function lackingInputs(): Record<string, RefusedRow> {
  return Object.assign(
    {},
    ...required.map((input) =>
      refusals(
        `spec.provider.inputs.${input}`,
        `${input} must be given for the type sql-database`,
        [undefined],
        () => provider({ inputs: without(exampleInputs, input) }),
      ),
    ),
  ) as Record<string, RefusedRow>;
}

const topLevel = [
  'password',
  'adminPrivateKey',
  'secretAccessKey',
  'clientSecret',
  'bindpass',
  'secret',
  'clusterToken',
  'privateKey',
  'caPrivateKey',
  'apiKey',
];
const nested = [
  ['auth', 'password'],
  ['auth', 'apiKey'],
  ['auth', 'secretAccessKey'],
  ['auth', 'clientSecret'],
  ['clientAuth', 'clientSecret'],
  ['clientAuth', 'privateKey'],
] as const;

/** Of each credential: that it is refused, and that too long a one is. */
function credentialRows(): Record<string, RefusedRow> {
  const cases = [
    ...topLevel.map((name) => [name, name, (value: unknown): JsonObject => ({ [name]: value })] as const),
    ...nested.map(
      ([group, name]) =>
        [`${group}.${name}`, name, (value: unknown): JsonObject => ({ [group]: { [name]: value } })] as const,
    ),
  ];
  return Object.assign(
    {},
    ...cases.flatMap(([path, name, inputs]) => [
      refusals(`spec.provider.inputs.${path}`, `${name} ${CREDENTIAL}`, ['canary', ''], (value) =>
        other(inputs(value)),
      ),
      refusals(`spec.provider.inputs.${path}`, 'Too long', ['a'.repeat(65_537)], (value) =>
        other(inputs(value)),
      ),
    ]),
  ) as Record<string, RefusedRow>;
}

/** Of each named text of the inputs. */
function plainRows(): Record<string, RefusedRow> {
  return Object.assign(
    {},
    ...['client', 'host', 'database', 'username', 'gatewayId'].flatMap((input) => [
      refusals(`spec.provider.inputs.${input}`, `${input} ${PLAIN}`, ['', ' a', 'a '], (value) =>
        other({ [input]: value }),
      ),
      refusals(`spec.provider.inputs.${input}`, 'Too long', ['a'.repeat(1025)], (value) =>
        other({ [input]: value }),
      ),
    ]),
    ...['creationStatement', 'revocationStatement', 'renewStatement', 'ca'].map((input) =>
      refusals(`spec.provider.inputs.${input}`, 'Too long', ['a'.repeat(65_537)], (value) =>
        other({ [input]: value }),
      ),
    ),
  ) as Record<string, RefusedRow>;
}

function requirementRows(): Record<string, RefusedRow> {
  const field = 'spec.provider.inputs.passwordRequirements';
  return Object.assign(
    {},
    ...['lowercase', 'uppercase', 'digits', 'symbols'].flatMap((what) => [
      refusals(`${field}.required.${what}`, `${what} must be a whole number from 0 to 250`, [-1], (value) =>
        least({ [what]: value }),
      ),
      refusals(`${field}.required.${what}`, 'Required value', [undefined], () =>
        demanding({ required: without(requirements.required, what) }),
      ),
    ]),
    refusals(`${field}.length`, 'length must be a whole number from 1 to 250', [251], (length) =>
      demanding({ length }),
    ),
    refusals(
      `${field}.length`,
      'length must be at least as many characters as passwordRequirements.required asks for together',
      [1, 2],
      (length) => demanding({ length }),
    ),
    refusals(`${field}.length`, 'Required value', [undefined], () =>
      sql({ passwordRequirements: without(requirements, 'length') }),
    ),
    refusals(`${field}.required`, 'Required value', [undefined], () =>
      sql({ passwordRequirements: without(requirements, 'required') }),
    ),
    refusals(`${field}.allowedSymbols`, 'Too long', ['-'.repeat(129)], (allowedSymbols) =>
      demanding({ allowedSymbols }),
    ),
  ) as Record<string, RefusedRow>;
}

const missing = (field: keyof typeof leastDynamicSecret): Record<string, RefusedRow> =>
  refusals(`spec.${field}`, 'Required value', [undefined], () => without(leastDynamicSecret, field));

const slugs = ['projectSlug', 'environmentSlug'] as const;

function slugRows(): Record<string, RefusedRow> {
  return Object.assign(
    {},
    ...slugs.flatMap((field) => [
      missing(field),
      refusals(
        `spec.${field}`,
        `${field} must be the slug of the ${field.replace('Slug', '')}, not its display name: letters, digits, '-' and '_', beginning and ending with a letter or digit`,
        ['', 'My Shop', '-a', 'ä'],
        (value) => secret({ [field]: value }),
      ),
      refusals(`spec.${field}`, 'Too long', ['a'.repeat(254)], (value) => secret({ [field]: value })),
    ]),
  ) as Record<string, RefusedRow>;
}

export const refusedDynamicSecrets: Readonly<Record<string, RefusedRow>> = {
  ...missing('connectionRef'),
  ...refusals(
    'spec.connectionRef.kind',
    'supported values: "InfisicalConnection", "ClusterInfisicalConnection"',
    ['Vault'],
    (kind) => named({ kind, name: 'infisical' }),
  ),
  ...refusals('spec.connectionRef.name', 'Required value', [undefined], () => named({})),
  ...refusals('spec.connectionRef.name', NAME, ['', 'Infisical', 'other/infisical'], (name) =>
    named({ name }),
  ),
  ...refusals('spec.connectionRef.name', 'Too long', ['a'.repeat(254)], (name) => named({ name })),
  ...missing('name'),
  ...refusals(
    'spec.name',
    'name must be lower-case letters and digits with single hyphens between them, such as orders-postgres',
    ['', 'Orders', 'my_db', 'my.db', 'a--b', '-a', 'a-'],
    (name) => secret({ name }),
  ),
  ...refusals('spec.name', 'Too long', ['a'.repeat(65)], (name) => secret({ name })),
  ...slugRows(),
  ...refusals(
    'spec.path',
    "path must be / or folders such as /team/orders: each of letters, digits, '-' and '_' behind a slash, and no slash at the end",
    ['', 'database', '/a/', '/../a'],
    (path) => secret({ path }),
  ),
  ...refusals('spec.path', 'Too long', [`/${'a'.repeat(1024)}`], (path) => secret({ path })),
  ...missing('defaultTTL'),
  ...refusals(
    'spec.defaultTTL',
    `defaultTTL ${SPELLING}`,
    ['', '59s', '11y', '1h30m', '3600'],
    (defaultTTL) => ({ ...without(leastDynamicSecret, 'maxTTL'), defaultTTL }),
  ),
  ...refusals('spec.defaultTTL', 'Too long', ['an hour and thirty minutes, please'], (defaultTTL) =>
    secret({ defaultTTL }),
  ),
  ...refusals('spec.maxTTL', `maxTTL ${SPELLING}`, ['', '11y', '1h30m', '3600'], (maxTTL) =>
    secret({ maxTTL }),
  ),
  ...refusals('spec.maxTTL', 'Too long', ['an hour and thirty minutes, please'], (maxTTL) =>
    secret({ maxTTL }),
  ),
  ...refusals(
    'spec.maxTTL',
    'maxTTL must not be shorter than defaultTTL: no lease that asks for nothing else could be made',
    ['59m', '60s', '3599s'],
    (maxTTL) => secret({ maxTTL }),
  ),
  ...refusals(
    'spec.usernameTemplate',
    "usernameTemplate must be letters, digits, spaces and _ - . ' | [ ], not beginning or ending with a space, and expressions such as {{randomUsername}}, {{unixTimestamp}} or {{identity.name}}",
    [
      '',
      ' a',
      'a ',
      '{{password}}',
      '{{randomUsername}',
      '{{{randomUsername}}}',
      '{{#if a}}b{{/if}}',
      'a"b',
      'ä',
    ],
    (usernameTemplate) => secret({ usernameTemplate }),
  ),
  ...refusals('spec.usernameTemplate', 'Too long', ['a'.repeat(256)], (usernameTemplate) =>
    secret({ usernameTemplate }),
  ),
  ...refusals(
    'spec.metadata[0].key',
    "key must not be empty, nor leaseholder-object, which is the operator's own",
    ['', 'leaseholder-object'],
    (key) => marked({ key, value: '' }),
  ),
  ...refusals('spec.metadata[0].key', 'Too long', ['a'.repeat(256)], (key) => marked({ key, value: '' })),
  ...refusals('spec.metadata[0].key', 'Required value', [undefined], () => marked({ value: '' })),
  ...refusals('spec.metadata[0].value', 'Too long', ['a'.repeat(1021)], (value) =>
    marked({ key: 'a', value }),
  ),
  ...refusals('spec.metadata[0].value', 'Required value', [undefined], () => marked({ key: 'a' })),
  'a key of metadata twice': {
    spec: marked({ key: 'a', value: '' }, { key: 'a', value: 'b' }),
    field: 'spec.metadata[1]',
    says: 'Duplicate value',
  },
  '32 entries of metadata': {
    spec: marked(...numbered(32).map((key) => ({ key, value: '' }))),
    field: 'spec.metadata',
    says: 'Too many',
  },
  ...missing('provider'),
  ...refusals('spec.provider.type', 'Required value', [undefined], () =>
    secret({ provider: { inputs: {} } }),
  ),
  ...refusals(
    'spec.provider.type',
    'provider.type must be a type as the API spells it, such as sql-database, mongo-db or aws-iam',
    ['', 'SQL', 'mongo_db', 'a--b'],
    (type) => other({}, [], String(type)),
  ),
  ...refusals('spec.provider.type', 'Too long', ['a'.repeat(65)], (type) => other({}, [], String(type))),
  ...refusals('spec.provider.inputs', 'Required value', [undefined], () =>
    secret({ provider: { type: 'ldap' } }),
  ),
  ...refusals('spec.provider.inputs', 'must be of type object', ['a text', ['a'], 1], (inputs) =>
    other(inputs),
  ),
  ...lackingInputs(),
  ...credentialRows(),
  ...plainRows(),
  ...requirementRows(),
  ...refusals('spec.provider.inputs.url', `url ${CREDENTIAL}`, ['otpauth://totp/a?secret=canary'], (url) =>
    other({ url }, [], 'totp'),
  ),
  ...refusals('spec.provider.inputs.url', 'Too long', ['a'.repeat(2049)], (url) => other({ url })),
  ...refusals(
    'spec.provider.inputs.client',
    'client must be one of postgres, mysql2, oracledb, mssql for the type sql-database',
    ['sqlite', 'Postgres', 'sap-ase'],
    (client) => sql({ client }),
  ),
  ...refusals(
    'spec.provider.inputs.port',
    'port must be a whole number from 1 to 65535',
    [0, -1, 65_536],
    (port) => sql({ port }),
  ),
  ...refusals('spec.provider.inputs.port', 'must be of type integer', ['5432', true], (port) =>
    sql({ port }),
  ),
  ...refusals(
    'spec.inputsFrom',
    'inputsFrom must name password for the type sql-database: the key of a Secret that holds it',
    [undefined, []],
    (inputsFrom) =>
      inputsFrom === undefined ? without(leastDynamicSecret, 'inputsFrom') : secret({ inputsFrom }),
  ),
  ...refusals(
    'spec.inputsFrom',
    'inputsFrom must not name what stands in provider.inputs too',
    ['host', 'username', 'creationStatement'],
    (input) => sourced(source(input)),
  ),
  ...refusals(
    'spec.inputsFrom',
    'inputsFrom must not name both an input and a part of it',
    ['auth'],
    (input) => other({}, [source(input), source('auth.password')]),
  ),
  'an input from two Secrets': {
    spec: sourced(source('password')),
    field: 'spec.inputsFrom[1]',
    says: 'Duplicate value',
  },
  '17 sources': {
    spec: other(
      {},
      numbered(17).map((input) => source(input)),
    ),
    field: 'spec.inputsFrom',
    says: 'Too many',
  },
  ...refusals('spec.inputsFrom[1].input', 'Required value', [undefined], () =>
    sourced({ secretKeyRef: { name: 'a', key: 'b' } }),
  ),
  ...refusals(
    'spec.inputsFrom[1].input',
    'input must be the name of an input, such as password, or of a part of one, such as auth.password',
    ['', 'a b', 'a.b.c', '.a', 'a.', '1'],
    (input) => sourced(source(input)),
  ),
  ...refusals('spec.inputsFrom[1].input', 'Too long', ['a'.repeat(129)], (input) => sourced(source(input))),
  ...refusals('spec.inputsFrom[1].secretKeyRef', 'Required value', [undefined], () =>
    sourced({ input: 'a' }),
  ),
  ...refusals('spec.inputsFrom[1].secretKeyRef.name', 'Required value', [undefined], () =>
    sourced({ input: 'a', secretKeyRef: { key: 'b' } }),
  ),
  ...refusals('spec.inputsFrom[1].secretKeyRef.name', NAME, ['', 'A', 'other/admin'], (name) =>
    sourced(source('a', { name })),
  ),
  ...refusals('spec.inputsFrom[1].secretKeyRef.name', 'Too long', ['a'.repeat(254)], (name) =>
    sourced(source('a', { name })),
  ),
  ...refusals('spec.inputsFrom[1].secretKeyRef.key', 'Required value', [undefined], () =>
    sourced({ input: 'a', secretKeyRef: { name: 'b' } }),
  ),
  ...refusals(
    'spec.inputsFrom[1].secretKeyRef.key',
    "key must be a key that a Secret can have: letters, digits, '-', '_' and '.'",
    ['', 'a b', 'a/b'],
    (key) => sourced(source('a', { key })),
  ),
  ...refusals('spec.inputsFrom[1].secretKeyRef.key', 'Too long', ['a'.repeat(254)], (key) =>
    sourced(source('a', { key })),
  ),
  ...refusals('spec.adoption', 'supported values: "Refuse", "Adopt"', ['Take', 'adopt', ''], (adoption) =>
    secret({ adoption }),
  ),
  ...refusals(
    'spec.deletionPolicy',
    'supported values: "Delete", "Retain"',
    ['Keep', 'delete', ''],
    (deletionPolicy) => secret({ deletionPolicy }),
  ),
};
