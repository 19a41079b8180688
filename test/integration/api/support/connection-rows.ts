import type { JsonObject } from '../../../../src/api/crd.ts';
import { acceptances, refusals, without, type RefusedRow } from './rows.ts';

const ref = (key: string): JsonObject => ({ secretKeyRef: { name: 'login', key } });
const universal = { clientId: ref('clientId'), clientSecret: ref('clientSecret') };
const token = ref('token');

/** A connection that needs no login. */
export const tokenConnection = { hostAPI: 'https://eu.infisical.com', auth: { token } };

const connection = (part: JsonObject): JsonObject => ({ ...tokenConnection, ...part });
const at = (hostAPI: unknown): JsonObject => connection({ hostAPI });
const trusting = (inline: unknown): JsonObject => connection({ caBundle: { inline } });

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

export const acceptedConnections: Readonly<Record<string, JsonObject>> = {
  'a token': tokenConnection,
  'a client id and secret': connection({ auth: { universal } }),
  ...acceptances(
    'spec.hostAPI',
    [
      'https://eu.infisical.com/api',
      'https://eu.infisical.com/',
      'https://infisical.example.com.',
      'http://infisical',
      'http://localhost:8080',
      'http://10.0.0.7:8080/api/',
      'https://[::1]:8443/api',
      'https://[fd00::7]',
      'https://example.com/tools/infisical_2/~a/api',
      `https://example.com/${'a'.repeat(2028)}`,
    ],
    at,
  ),
  ...acceptances('spec.caBundle.inline', [PEM, `\n${PEM}${PEM}`, PEM + 'é'.repeat(65_400)], trusting),
};

const KEY = "key must be a key that a Secret can have: letters, digits, '-', '_' and '.'";
const NAME = 'name must be the name of a Kubernetes object';

/** The rows of one credential: where it stands, and a spec with something else in its place. */
function credentialRows(
  field: string,
  specOf: (credential: JsonObject) => JsonObject,
): Record<string, RefusedRow> {
  const reference = `${field}.secretKeyRef`;
  const named = (part: JsonObject): JsonObject => specOf({ secretKeyRef: part });
  return {
    ...refusals(reference, 'Required value', [undefined], () => specOf({})),
    ...refusals(`${reference}.name`, 'Required value', [undefined], () => named({ key: 'a' })),
    ...refusals(`${reference}.key`, 'Required value', [undefined], () => named({ name: 'a' })),
    ...refusals(`${reference}.name`, NAME, ['', 'Login', 'other/login'], (name) => named({ name, key: 'a' })),
    ...refusals(`${reference}.key`, KEY, ['', 'client id', 'a/b'], (key) => named({ name: 'a', key })),
    ...refusals(`${reference}.name`, 'Too long', ['a'.repeat(254)], (name) => named({ name, key: 'a' })),
    ...refusals(`${reference}.key`, 'Too long', ['a'.repeat(254)], (key) => named({ name: 'a', key })),
  };
}

const ADDRESS = 'hostAPI must be the address of the server, such as https://eu.infisical.com';
const ONE_METHOD = 'auth must name exactly one method: universal or token';

export const refusedConnections: Readonly<Record<string, RefusedRow>> = {
  ...refusals('spec.hostAPI', 'Required value', [undefined], () => without(tokenConnection, 'hostAPI')),
  ...refusals(
    'spec.hostAPI',
    ADDRESS,
    [
      '',
      'eu.infisical.com',
      'https://',
      'ftp://eu.infisical.com',
      'HTTPS://eu.infisical.com',
      'https:/eu.infisical.com',
      'https://user:password@eu.infisical.com',
      'https://eu.infisical.com?a=b',
      'https://eu.infisical.com/#a',
      'https://eu.infisical.com:',
      'https://eu.infisical.com:123456',
      'https://::1',
      'https://[::1',
      'https://-a',
      'https://a b',
      ' https://eu.infisical.com',
      'https://eu.infisical.com\n',
    ],
    at,
  ),
  ...refusals('spec.hostAPI', 'Too long', [`https://example.com/${'a'.repeat(2029)}`], at),
  ...refusals('spec.caBundle.inline', 'Required value', [undefined], () => connection({ caBundle: {} })),
  ...refusals(
    'spec.caBundle.inline',
    'caBundle.inline must be certificates in PEM, the first line -----BEGIN CERTIFICATE-----',
    ['', 'LS0tLS1CRUdJTiBDRVJU', '-----BEGIN PRIVATE KEY-----\n'],
    trusting,
  ),
  ...refusals('spec.caBundle.inline', 'Too long', [PEM + 'a'.repeat(65_536)], trusting),
  ...refusals('spec.auth', 'Required value', [undefined], () => without(tokenConnection, 'auth')),
  'no method in spec.auth': { spec: connection({ auth: {} }), field: 'spec.auth', says: ONE_METHOD },
  'two methods in spec.auth': {
    spec: connection({ auth: { universal, token } }),
    field: 'spec.auth',
    says: ONE_METHOD,
  },
  'only an unknown method in spec.auth': {
    spec: connection({ auth: { kubernetes: { identityId: 'a' } } }),
    field: 'spec.auth',
    says: ONE_METHOD,
  },
  ...refusals('spec.auth.universal.clientId', 'Required value', [undefined], () =>
    connection({ auth: { universal: without(universal, 'clientId') } }),
  ),
  ...refusals('spec.auth.universal.clientSecret', 'Required value', [undefined], () =>
    connection({ auth: { universal: without(universal, 'clientSecret') } }),
  ),
  ...credentialRows('spec.auth.universal.clientId', (clientId) =>
    connection({ auth: { universal: { ...universal, clientId } } }),
  ),
  ...credentialRows('spec.auth.universal.clientSecret', (clientSecret) =>
    connection({ auth: { universal: { ...universal, clientSecret } } }),
  ),
  ...credentialRows('spec.auth.token', (credential) => connection({ auth: { token: credential } })),
};
