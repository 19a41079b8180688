import { describe, expect, test } from 'vitest';

import { structural } from '../../../src/api/crd.ts';
import { connectionSpec, connectionStatus, serverOf } from '../../../src/api/infisical-connection.ts';
import { nodesOf, rulesOf, violations } from '../../support/structural.ts';

const source = { secretKeyRef: { name: 'infisical-login', key: 'client-secret' } };
const universal = { clientId: source, clientSecret: source };
const least = { hostAPI: 'https://eu.infisical.com', auth: { universal } };
const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const schema = structural(connectionSpec);

describe('a connection is accepted, by zod and by the schema of the CRD', () => {
  const cases: Record<string, unknown> = {
    'with a client id and secret': least,
    'with a token': { ...least, auth: { token: source } },
    'with the address of the API': { ...least, hostAPI: 'https://eu.infisical.com/api' },
    'without TLS, with a port and a path': {
      ...least,
      hostAPI: 'http://infisical.infra.svc:8080/vault/api/',
    },
    'with an address of IPv6': { ...least, hostAPI: 'https://[fd00::1]:8443' },
    'with a certificate of its own': { ...least, caBundle: { inline: pem } },
    'with certificates after a line feed': { ...least, caBundle: { inline: `\n${pem}${pem}` } },
  };

  test.each(Object.entries(cases))('%s', (_sentence, spec) => {
    expect(connectionSpec.safeParse(spec).error?.issues).toBeUndefined();
    expect(violations(schema, spec)).toEqual([]);
  });
});

describe('a connection is refused, by zod and by the schema of the CRD', () => {
  const cases: Record<string, { spec: unknown; at: string }> = {
    'without an address': { spec: { auth: least.auth }, at: '' },
    'without a way to log in': { spec: { hostAPI: least.hostAPI }, at: '' },
    'with an address without a scheme': {
      spec: { ...least, hostAPI: 'eu.infisical.com' },
      at: '.hostAPI',
    },
    'with an address of another scheme': {
      spec: { ...least, hostAPI: 'file:///etc' },
      at: '.hostAPI',
    },
    'with a password in the address': {
      spec: { ...least, hostAPI: 'https://u:p@host' },
      at: '.hostAPI',
    },
    'with a query in the address': {
      spec: { ...least, hostAPI: 'https://host/?a=b' },
      at: '.hostAPI',
    },
    'with a host that ends with a dash': { spec: { ...least, hostAPI: 'https://host-' }, at: '.hostAPI' },
    'with a line feed in the address': {
      spec: { ...least, hostAPI: 'https://host\nx' },
      at: '.hostAPI',
    },
    'with half of a login': {
      spec: { ...least, auth: { universal: { clientId: source } } },
      at: '.auth.universal',
    },
    'with a credential instead of its name': {
      spec: { ...least, auth: { token: 'st.12345' } },
      at: '.auth.token',
    },
    'with a credential of another namespace': {
      spec: { ...least, auth: { token: { secretKeyRef: { name: 'other/login', key: 'token' } } } },
      at: '.auth.token.secretKeyRef.name',
    },
    'with a key that no Secret has': {
      spec: { ...least, auth: { token: { secretKeyRef: { name: 'login', key: 'a b' } } } },
      at: '.auth.token.secretKeyRef.key',
    },
    'with a certificate that is none': {
      spec: { ...least, caBundle: { inline: 'MIIB' } },
      at: '.caBundle.inline',
    },
    'with an empty CA bundle': { spec: { ...least, caBundle: {} }, at: '.caBundle' },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { spec, at }) => {
    expect(connectionSpec.safeParse(spec).success).toBe(false);
    expect(violations(schema, spec).map((one) => one.split(':')[0])).toContain(at);
  });

  test.each([
    ['no way to log in', {}],
    ['two ways to log in', { universal, token: source }],
  ])('with %s, in the same words', (_which, auth) => {
    const spec = { ...least, auth };
    const issues = connectionSpec.safeParse(spec).error?.issues;
    expect(issues?.map(({ path, message }) => `.${path.join('.')}: auth ${message}`)).toEqual(
      violations(schema, spec),
    );
  });
});

test('the rule about the ways to log in names every one of them', () => {
  const auth = nodesOf(schema).find(({ path }) => path === '.auth')?.schema ?? {};
  const named = rulesOf(auth).flatMap(({ rule }) =>
    [...rule.matchAll(/has\(self\.(\w+)\)/g)].map(([, one]) => one),
  );
  expect(named).toEqual(Object.keys(connectionSpec.shape.auth.shape));
});

test('no field of a connection takes a credential as it is', () => {
  const texts = nodesOf(schema).filter(({ schema: node }) => node['type'] === 'string');
  const taking = texts.map(({ path }) => path).filter((path) => !/\.secretKeyRef\.(name|key)$/.test(path));
  expect(taking).toEqual(['.hostAPI', '.caBundle.inline']);
});

test('a status is read as it was written', () => {
  const status = {
    observedGeneration: 2,
    host: 'https://eu.infisical.com',
    lastLogin: { succeeded: true, at: '2026-01-01T12:00:00Z' },
  };
  expect(connectionStatus.parse(status)).toEqual(status);
  expect(violations(structural(connectionStatus), status)).toEqual([]);
});

describe('the server of an address', () => {
  test.each([
    ['https://eu.infisical.com', 'https://eu.infisical.com'],
    ['https://eu.infisical.com/', 'https://eu.infisical.com'],
    ['https://eu.infisical.com/api', 'https://eu.infisical.com'],
    ['https://eu.infisical.com/api/', 'https://eu.infisical.com'],
    ['https://eu.infisical.com//api//', 'https://eu.infisical.com'],
    ['https://example.com/vault/api', 'https://example.com/vault'],
    ['https://example.com/vault', 'https://example.com/vault'],
    ['https://example.com/rapi', 'https://example.com/rapi'],
    ['https://example.com/api/v1', 'https://example.com/api/v1'],
    ['http://localhost:8080/api', 'http://localhost:8080'],
    ['https://api', 'https://api'],
  ])('%s is %s', (hostAPI, server) => {
    expect(serverOf(hostAPI)).toBe(server);
  });

  test('is its own server', () => {
    expect(serverOf(serverOf('https://example.com/vault/api/'))).toBe('https://example.com/vault');
  });
});
