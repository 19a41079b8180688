import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { structural } from '../../../src/api/crd.ts';
import {
  dynamicSecretObject,
  dynamicSecretSpec,
  dynamicSecretStatus,
} from '../../../src/api/dynamic-secret.ts';
import { violations } from '../../support/structural.ts';

const inputs = {
  client: 'postgres',
  host: 'db.internal.example.com',
  port: 5432,
  database: 'appdb',
  username: 'infisical_admin',
  creationStatement: `CREATE ROLE "{{username}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`,
  revocationStatement: 'DROP ROLE IF EXISTS "{{username}}";',
};
const password = { input: 'password', secretKeyRef: { name: 'orders-admin', key: 'password' } };
const least = {
  connectionRef: { name: 'infisical' },
  name: 'orders-postgres',
  projectSlug: 'shop',
  environmentSlug: 'prod',
  defaultTTL: '1h',
  provider: { type: 'sql-database', inputs },
  inputsFrom: [password],
};
const schema = structural(dynamicSecretSpec);

type Change = Readonly<Record<string, unknown>>;

const withInputs = (change: Change): object => ({
  ...least,
  provider: { type: 'sql-database', inputs: { ...inputs, ...change } },
});
const lacking = (input: string): object => {
  const rest = Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== input));
  return { ...least, provider: { type: 'sql-database', inputs: rest } };
};
const of = (type: string, given: Change, sources: readonly string[] = []): object => ({
  ...least,
  provider: { type, inputs: given },
  inputsFrom: sources.map((input) => ({ ...password, input })),
});
const from = (...sources: readonly string[]): object => ({
  ...least,
  inputsFrom: ['password', ...sources].map((input) => ({ ...password, input })),
});
const requirements = { length: 48, required: { lowercase: 1, uppercase: 1, digits: 1, symbols: 0 } };
const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `input${String(index)}`);
const entries = (count: number): object[] => many(count).map((key) => ({ key, value: '' }));

describe('a spec is accepted, by zod and by the schema of the CRD', () => {
  const cases: Record<string, unknown> = {
    'with nothing but what is required': least,
    'with everything': {
      ...withInputs({
        renewStatement: `ALTER ROLE "{{username}}" VALID UNTIL '{{expiration}}';`,
        ca: '-----BEGIN CERTIFICATE-----',
        sslEnabled: true,
        gatewayId: 'a-gateway',
        passwordRequirements: { ...requirements, allowedSymbols: '-_.~' },
        sslRejectUnauthorized: false,
      }),
      connectionRef: { kind: 'ClusterInfisicalConnection', name: 'shared' },
      path: '/team/orders',
      maxTTL: '24h',
      usernameTemplate: 'shop_{{randomUsername}}',
      metadata: [{ key: 'team', value: 'orders' }],
      adoption: 'Adopt',
      deletionPolicy: 'Retain',
    },
    'with the longest life that is the default too': { ...least, maxTTL: '60m' },
    'with the name of the administrator in a Secret': {
      ...lacking('username'),
      inputsFrom: [password, { ...password, input: 'username' }],
    },
    'with a type that nobody knows': of('star-gate', { chevrons: 7, nested: { list: [1, null] } }),
    'with a password inside another input': of('elastic-search', { auth: { type: 'user', username: 'a' } }, [
      'auth.password',
    ]),
    'with the address of a cluster': of('kubernetes', { url: 'https://example.com' }, ['clusterToken']),
    'with the link of a totp in a Secret': of('totp', { configType: 'url' }, ['url']),
    'with sixteen sources': of('star-gate', {}, many(16)),
    'with no source': { ...of('gcp-iam', { serviceAccountEmail: 'a@b' }), inputsFrom: undefined },
    'with 31 entries of metadata': { ...least, metadata: entries(31) },
    'with requirements that fill the password': withInputs({
      passwordRequirements: { length: 3, required: requirements.required },
    }),
  };

  test.each(Object.entries(cases))('%s', (_sentence, spec) => {
    const applied: unknown = JSON.parse(JSON.stringify(spec));
    expect(dynamicSecretSpec.safeParse(applied).error?.issues).toBeUndefined();
    expect(violations(schema, applied)).toEqual([]);
  });

  test('and gets the defaults of the CRD', () => {
    expect(dynamicSecretSpec.parse(least)).toEqual({
      ...least,
      connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
      path: '/',
    });
  });

  test('with inputs that the server alone understands, which stay as they are', () => {
    const given = { chevrons: 7, nested: { list: [1, null, { seventh: true }] } };
    expect(dynamicSecretSpec.parse(of('star-gate', given)).provider.inputs).toEqual(given);
  });
});

const CREDENTIAL =
  'must not be among the inputs, where everybody who may read this object reads it: put it in a Secret and name it in inputsFrom';

describe('a spec is refused in the same words, by zod and by the API server', () => {
  const cases: Record<string, { spec: object; at: string; says: string }> = {
    'for a name that the server would change': {
      spec: { ...least, name: 'Orders' },
      at: '.name',
      says: 'lower-case',
    },
    'for a project by its display name': {
      spec: { ...least, projectSlug: 'My Shop' },
      at: '.projectSlug',
      says: 'slug of the project',
    },
    'for a path without its slash': { spec: { ...least, path: 'eu' }, at: '.path', says: 'folders' },
    'for a default under a minute': { spec: { ...least, defaultTTL: '59s' }, at: '.defaultTTL', says: '1m' },
    'for a longest life under the default': {
      spec: { ...least, maxTTL: '59m' },
      at: '.maxTTL',
      says: 'must not be shorter than defaultTTL',
    },
    'for a template that ends with a space': {
      spec: { ...least, usernameTemplate: '{{randomUsername}} ' },
      at: '.usernameTemplate',
      says: 'expressions such as {{randomUsername}}',
    },
    'for our key of metadata': {
      spec: { ...least, metadata: [{ key: 'leaseholder-object', value: 'mine' }] },
      at: '.metadata[0].key',
      says: "operator's own",
    },
    'for an empty key of metadata': {
      spec: { ...least, metadata: [{ key: '', value: '' }] },
      at: '.metadata[0].key',
      says: 'must not be empty',
    },
    'for a type of no type': {
      spec: of('SQL', {}),
      at: '.provider.type',
      says: 'as the API spells it',
    },
    'for a client that the type does not have': {
      spec: withInputs({ client: 'sqlite' }),
      at: '.provider.inputs.client',
      says: 'must be one of postgres, mysql2, oracledb, mssql for the type sql-database',
    },
    'for a port of nowhere': {
      spec: withInputs({ port: 65_536 }),
      at: '.provider.inputs.port',
      says: 'must be a whole number from 1 to 65535',
    },
    'for a host of spaces': {
      spec: withInputs({ host: ' db' }),
      at: '.provider.inputs.host',
      says: 'must not be empty, nor begin or end with a space',
    },
    'for a password that cannot be': {
      spec: withInputs({ passwordRequirements: { ...requirements, length: 2 } }),
      at: '.provider.inputs.passwordRequirements.length',
      says: 'must be at least as many',
    },
    'for a password that nothing gives': {
      spec: { ...least, inputsFrom: [{ ...password, input: 'username2' }] },
      at: '.inputsFrom',
      says: 'must name password for the type sql-database',
    },
    'for an input that is said twice': {
      spec: from('database'),
      at: '.inputsFrom',
      says: 'must not name what stands in provider.inputs too',
    },
    'for an input and a part of it': {
      spec: of('elastic-search', {}, ['auth', 'auth.password']),
      at: '.inputsFrom',
      says: 'must not name both an input and a part of it',
    },
    'for a source of no input': {
      spec: from('a.b.c'),
      at: '.inputsFrom[1].input',
      says: 'must be the name of an input',
    },
    'for a link with the seed in it': {
      spec: of('totp', { url: 'otpauth://totp/a?secret=b' }),
      at: '.provider.inputs.url',
      says: CREDENTIAL,
    },
    ...Object.fromEntries(
      Object.keys(inputs).map((input) => [
        `for no ${input}`,
        {
          spec: lacking(input),
          at: `.provider.inputs.${input}`,
          says: 'must be given for the type sql-database',
        },
      ]),
    ),
  };

  test.each(Object.entries(cases))('%s', (_what, { spec, at, says }) => {
    const [issue, ...more] = dynamicSecretSpec.safeParse(spec).error?.issues ?? [];
    expect(more).toEqual([]);
    const [said = '', ...others] = violations(schema, spec);
    expect(others).toEqual([]);
    expect(
      issue?.path
        .map((step) => (typeof step === 'number' ? `[${String(step)}]` : `.${String(step)}`))
        .join(''),
    ).toBe(at);
    expect(issue?.message).toContain(says);
    expect(said.startsWith(`${at}: `)).toBe(true);
    expect(said.endsWith(` ${issue?.message ?? ''}`)).toBe(true);
  });
});

describe('a spec is refused, by zod and by the schema of the CRD', () => {
  const cases: Record<string, { spec: unknown; at: string }> = {
    'without a connection': { spec: { ...least, connectionRef: undefined }, at: '' },
    'without a name': { spec: { ...least, name: undefined }, at: '' },
    'without a default': { spec: { ...least, defaultTTL: undefined }, at: '' },
    'without a provider': { spec: { ...least, provider: undefined }, at: '' },
    'without inputs': { spec: { ...least, provider: { type: 'gcp-iam' } }, at: '.provider' },
    'with a name of 65 characters': { spec: { ...least, name: 'a'.repeat(65) }, at: '.name' },
    'with a template of 256 characters': {
      spec: { ...least, usernameTemplate: 'a'.repeat(256) },
      at: '.usernameTemplate',
    },
    'with 32 entries of metadata': { spec: { ...least, metadata: entries(32) }, at: '.metadata' },
    'with a value of 1021 characters': {
      spec: { ...least, metadata: [{ key: 'a', value: 'a'.repeat(1021) }] },
      at: '.metadata[0].value',
    },
    'with 17 sources': { spec: of('star-gate', {}, many(17)), at: '.inputsFrom' },
    'with a port as text': { spec: withInputs({ port: '5432' }), at: '.provider.inputs.port' },
    'with a list for inputs': {
      spec: { ...least, provider: { type: 'star-gate', inputs: [] } },
      at: '.provider.inputs',
    },
    'with another word for adoption': { spec: { ...least, adoption: 'Take' }, at: '.adoption' },
    'with another word for the policy': {
      spec: { ...least, deletionPolicy: 'Keep' },
      at: '.deletionPolicy',
    },
    'with a Secret of another namespace': {
      spec: { ...least, inputsFrom: [{ ...password, secretKeyRef: { name: 'a/b', key: 'c' } }] },
      at: '.inputsFrom[0].secretKeyRef.name',
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { spec, at }) => {
    const applied: unknown = JSON.parse(JSON.stringify(spec));
    expect(dynamicSecretSpec.safeParse(applied).success).toBe(false);
    expect(violations(schema, applied).map((one) => one.split(':')[0])).toContain(at);
  });
});

describe('the operator refuses more than the API server can see', () => {
  test.each<[string, object, string]>([
    ['a source twice, which is a list map there', from('password'), 'must name each input once'],
    [
      'a key of metadata twice',
      { ...least, metadata: [...entries(1), ...entries(1)] },
      'must have each key once',
    ],
    [
      'an input of a type of which nothing is declared',
      of('star-gate', { chevron: 7 }, ['chevron']),
      'must not name what stands in provider.inputs too',
    ],
    [
      'a part of an input that has it',
      of('elastic-search', { auth: { username: 'a' } }, ['auth.username']),
      'must not name what stands in provider.inputs too',
    ],
    [
      'what a JSON parser of a server takes for an attack',
      of('star-gate', { nested: JSON.parse('{"__proto__": 1}') as unknown }),
      'must not have the key __proto__',
    ],
  ])('%s', (_what, spec, says) => {
    const issues = dynamicSecretSpec.safeParse(spec).error?.issues ?? [];
    expect(issues.map(({ message }) => message).join()).toContain(says);
    expect(issues).toHaveLength(1);
  });
});

describe('usernameTemplate', () => {
  test.each<[string, boolean]>([
    ['{{randomUsername}}', true],
    ['{{ randomUsername }}', true],
    ['shop_{{unixTimestamp}}-{{identity.name}}', true],
    ['{{dynamicSecret.name}}.{{dynamicSecret.type}}', true],
    ['{{truncate randomUsername 12}}', true],
    ["{{replace identity.name ' ' '_'}}", true],
    ['{{random 8}}', true],
    ["a [b] | c.'d", true],
    ['a', true],
    ['a'.repeat(255), true],
    ['', false],
    [' ', false],
    [' a', false],
    ['a ', false],
    ['{randomUsername}', false],
    ['{{randomUsername}', false],
    ['{{{randomUsername}}}', false],
    ['{{password}}', false],
    ['{{identity.id}}', false],
    ['{{#if randomUsername}}a{{/if}}', false],
    ['{{random}}', false],
    ['a"b', false],
    ['a\nb', false],
    ['ä', false],
  ])('%j: %s', (usernameTemplate, allowed) => {
    const spec = { ...least, usernameTemplate };
    expect(dynamicSecretSpec.safeParse(spec).success).toBe(allowed);
    expect(violations(schema, spec).length === 0).toBe(allowed);
  });
});

describe('whatever is applied', () => {
  const text = fc.oneof(
    fc.constantFrom(
      '1h',
      '59s',
      '10y',
      '/',
      '/eu',
      'a-b',
      'A',
      '',
      ' ',
      'Adopt',
      'postgres',
      '{{randomUsername}}',
    ),
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  const input = fc.oneof(
    fc.constantFrom('password', 'host', 'port', 'auth', 'auth.password', 'clientAuth', 'username', 'url'),
    text,
  );
  const sources = fc.uniqueArray(fc.record({ input, secretKeyRef: fc.record({ name: text, key: text }) }), {
    maxLength: 4,
    selector: (one) => one.input,
  });
  const types = fc.oneof(fc.constantFrom('sql-database', 'totp', 'star-gate'), text);
  const known = fc.record(
    {
      client: text,
      host: text,
      port: fc.oneof(fc.integer({ min: -1, max: 70_000 }), text),
      database: text,
      username: text,
      password: text,
      secret: text,
      url: text,
      creationStatement: text,
      auth: fc.record({ username: text, password: text, apiKey: text }, { requiredKeys: [] }),
      sslEnabled: fc.boolean(),
      passwordRequirements: fc.record({
        length: fc.integer({ min: 0, max: 6 }),
        required: fc.record({
          lowercase: fc.integer({ min: -1, max: 3 }),
          uppercase: fc.nat(3),
          digits: fc.nat(3),
          symbols: fc.nat(3),
        }),
      }),
    },
    { requiredKeys: [] },
  );
  const field = fc.oneof(
    fc.record({ name: text }),
    fc.record({ path: text }),
    fc.record({ defaultTTL: text }),
    fc.record({ maxTTL: text }),
    fc.record({ defaultTTL: text, maxTTL: text }),
    fc.record({ usernameTemplate: text }),
    fc.record({
      metadata: fc.uniqueArray(fc.record({ key: text, value: text }), {
        selector: ({ key }) => key,
        maxLength: 3,
      }),
    }),
    fc.record({ adoption: text }),
    fc.record({ inputsFrom: sources }),
    fc.record({ provider: fc.record({ type: types, inputs: known }) }),
    fc.record({ provider: fc.record({ type: types, inputs: known }), inputsFrom: sources }),
    known.map((change) => ({ provider: { ...least.provider, inputs: { ...inputs, ...change } } })),
  );

  test('is accepted or refused alike by zod and by the API server', () => {
    const verdicts = new Set<boolean>();
    fc.assert(
      fc.property(field, (drawn) => {
        const spec = { ...least, ...drawn };
        const { success } = dynamicSecretSpec.safeParse(spec);
        verdicts.add(success);
        expect(success).toBe(violations(schema, spec).length === 0);
      }),
      { numRuns: 3000 },
    );
    expect(verdicts.size).toBe(2);
  });
});

describe('a status', () => {
  const place = {
    connection: {
      kind: 'InfisicalConnection',
      name: 'infisical',
      uid: 'u',
      host: 'https://infisical.example.com',
    },
    projectSlug: 'shop',
    environmentSlug: 'prod',
    path: '/',
    name: 'orders-postgres',
  };
  const status = {
    observedGeneration: 1,
    place,
    intent: { kind: 'Rename', name: 'orders', connection: place.connection, at: '2026-01-01T12:00:00Z' },
    applied: {
      defaultTTL: '1h',
      inputs,
      sources: [{ input: 'password', name: 'orders-admin', key: 'password', uid: 'u', resourceVersion: '1' }],
    },
    users: 2,
  };

  test('is read as it was written', () => {
    expect(dynamicSecretStatus.parse(status)).toEqual(status);
    expect(violations(structural(dynamicSecretStatus), status)).toEqual([]);
  });

  test('that nobody has written yet is one', () => {
    expect(dynamicSecretStatus.parse({ observedGeneration: -1 })).toEqual({ observedGeneration: -1 });
  });
});

test('an object is read with what the API server always sends', () => {
  const metadata = { name: 'orders', namespace: 'shop', uid: 'u', resourceVersion: '1' };
  expect(dynamicSecretObject.parse({ metadata, spec: least })).toMatchObject({ metadata, spec: least });
});
