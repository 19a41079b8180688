import type { JsonObject } from '../../../../src/api/crd.ts';
import { acceptedFromClouds, refusedFromClouds } from './cloud-rows.ts';
import {
  CONFIG_MAP_KEY,
  KEY,
  NAME,
  credentialRows,
  organizationRows,
  referenceRows,
} from './reference-rows.ts';
import { acceptances, refusals, without, type RefusedRow } from './rows.ts';

const ref = (key: string): JsonObject => ({ secretKeyRef: { name: 'login', key } });
const universal = { clientId: ref('clientId'), clientSecret: ref('clientSecret') };
const token = ref('token');

/** A connection that needs no login. */
export const tokenConnection = { hostAPI: 'https://eu.infisical.com', auth: { token } };

const connection = (part: JsonObject): JsonObject => ({ ...tokenConnection, ...part });
const at = (hostAPI: unknown): JsonObject => connection({ hostAPI });
const trusting = (inline: unknown): JsonObject => connection({ caBundle: { inline } });

const IDENTITY = '0b2b6a3e-9d6e-4f6e-8a3c-6d6f2f0e7a11';
const robot = { identityId: IDENTITY, serviceAccountRef: { name: 'robot', audience: 'infisical' } };
const inSecret = { identityId: IDENTITY, ...ref('proof') };
const ldap = { identityId: IDENTITY, username: ref('username'), password: ref('password') };
type Identity = 'kubernetes' | 'oidc' | 'jwt';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

export const acceptedConnections: Readonly<Record<string, JsonObject>> = {
  'a token': tokenConnection,
  'a client id and secret': connection({ auth: { universal } }),
  'a client id and secret of an organisation': connection({
    auth: { universal: { ...universal, organizationSlug: 'acme_2-eu' } },
  }),
  'a service account': connection({ auth: { kubernetes: { ...robot, organizationSlug: 'acme' } } }),
  'a service account for the Kubernetes API itself': connection({
    auth: { kubernetes: { identityId: IDENTITY, serviceAccountRef: { name: 'robot' } } },
  }),
  'a service account as an OpenID identity': connection({ auth: { oidc: robot } }),
  'a token of a Secret as an OpenID identity': connection({ auth: { oidc: inSecret } }),
  'a service account as a JWT identity': connection({ auth: { jwt: robot } }),
  'a token of a Secret as a JWT identity': connection({ auth: { jwt: inSecret } }),
  ...acceptedFromClouds,
  'a user of a directory': connection({ auth: { ldap: { ...ldap, organizationSlug: 'acme' } } }),
  ...acceptances('audience', ['https://infisical.example.com/a?b', 'a'.repeat(1024)], (audience) =>
    connection({ auth: { oidc: { ...robot, serviceAccountRef: { name: 'robot', audience } } } }),
  ),
  'a CA in a ConfigMap': connection({ caBundle: { configMapKeyRef: { name: 'ca', key: 'ca.crt' } } }),
  'a CA in a Secret': connection({ caBundle: ref('ca.crt') }),
  'a name and a certificate for TLS': connection({
    tlsServerName: 'infisical.example.com',
    clientCertificate: { certificate: ref('tls.crt'), privateKey: ref('tls.key') },
  }),
  'no verification': connection({ insecureSkipVerify: true }),
  'verification, in so many words, beside a CA': connection({
    insecureSkipVerify: false,
    caBundle: { inline: PEM },
  }),
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

/** The rows of what a login with somebody else's token has in common. */
function identityRows(method: Identity): Record<string, RefusedRow> {
  const of = (part: JsonObject): JsonObject => connection({ auth: { [method]: { ...robot, ...part } } });
  const account = (part: JsonObject): JsonObject => of({ serviceAccountRef: part });
  const id = `spec.auth.${method}.identityId`;
  const reference = `spec.auth.${method}.serviceAccountRef`;
  return {
    ...refusals(id, 'Required value', [undefined], () =>
      connection({ auth: { [method]: without(robot, 'identityId') } }),
    ),
    ...refusals(id, "identityId must be the machine identity's id", ['', 'a b', 'a/b'], (identityId) =>
      of({ identityId }),
    ),
    ...refusals(id, 'Too long', ['a'.repeat(65)], (identityId) => of({ identityId })),
    ...refusals(`${reference}.name`, 'Required value', [undefined], () => account({ audience: 'a' })),
    ...refusals(`${reference}.name`, NAME, ['', 'Robot', 'other/robot'], (name) => account({ name })),
    ...refusals(`${reference}.name`, 'Too long', ['a'.repeat(254)], (name) => account({ name })),
    ...refusals(
      `${reference}.audience`,
      'audience must be one audience, without spaces',
      ['', 'a b', 'é'],
      (audience) => account({ name: 'robot', audience }),
    ),
    ...refusals(`${reference}.audience`, 'Too long', ['a'.repeat(1025)], (audience) =>
      account({ name: 'robot', audience }),
    ),
    ...organizationRows(method, robot),
  };
}

/** The rows of where such a token comes from. */
function proofRows(method: 'oidc' | 'jwt'): Record<string, RefusedRow> {
  const field = `spec.auth.${method}`;
  const says = `${method} must have exactly one of serviceAccountRef and secretKeyRef`;
  return {
    [`no token in ${field}`]: {
      spec: connection({ auth: { [method]: { identityId: IDENTITY } } }),
      field,
      says,
    },
    [`two tokens in ${field}`]: {
      spec: connection({ auth: { [method]: { ...robot, ...ref('proof') } } }),
      field,
      says,
    },
    ...referenceRows(`${field}.secretKeyRef`, KEY, (secretKeyRef) =>
      connection({ auth: { [method]: { identityId: IDENTITY, secretKeyRef } } }),
    ),
  };
}

const ADDRESS = 'hostAPI must be the address of the server, such as https://eu.infisical.com';
const NEEDS_TLS = 'must go with an address in hostAPI that begins with https:';
const ONE_SOURCE = 'caBundle must have exactly one source: inline, configMapKeyRef or secretKeyRef';
const pair = { certificate: ref('tls.crt'), privateKey: ref('tls.key') };
const plain = (part: JsonObject): JsonObject => connection({ hostAPI: 'http://infisical', ...part });
const ONE_METHOD =
  'auth must name exactly one method: universal, kubernetes, oidc, jwt, aws, azure, gcp, ldap or token';

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
  'no source in spec.caBundle': {
    spec: connection({ caBundle: {} }),
    field: 'spec.caBundle',
    says: ONE_SOURCE,
  },
  'two sources in spec.caBundle': {
    spec: connection({ caBundle: { inline: PEM, ...ref('ca.crt') } }),
    field: 'spec.caBundle',
    says: ONE_SOURCE,
  },
  ...referenceRows('spec.caBundle.configMapKeyRef', CONFIG_MAP_KEY, (part) =>
    connection({ caBundle: { configMapKeyRef: part } }),
  ),
  ...referenceRows('spec.caBundle.secretKeyRef', KEY, (part) =>
    connection({ caBundle: { secretKeyRef: part } }),
  ),
  ...refusals(
    'spec.tlsServerName',
    'tlsServerName must be a host name, such as infisical.example.com',
    ['', 'https://a.net', 'a.net:443', 'a..net', '-a', '*.a.net'],
    (tlsServerName) => connection({ tlsServerName }),
  ),
  ...refusals('spec.tlsServerName', 'Too long', ['a'.repeat(254)], (tlsServerName) =>
    connection({ tlsServerName }),
  ),
  ...refusals('spec.clientCertificate.certificate', 'Required value', [undefined], () =>
    connection({ clientCertificate: { privateKey: ref('tls.key') } }),
  ),
  ...refusals('spec.clientCertificate.privateKey', 'Required value', [undefined], () =>
    connection({ clientCertificate: { certificate: ref('tls.crt') } }),
  ),
  ...credentialRows('spec.clientCertificate.certificate', (certificate) =>
    connection({ clientCertificate: { certificate, privateKey: ref('tls.key') } }),
  ),
  ...credentialRows('spec.clientCertificate.privateKey', (privateKey) =>
    connection({ clientCertificate: { certificate: ref('tls.crt'), privateKey } }),
  ),
  'spec.tlsServerName without TLS': {
    spec: plain({ tlsServerName: 'a.net' }),
    field: 'spec.tlsServerName',
    says: `tlsServerName ${NEEDS_TLS}`,
  },
  'spec.clientCertificate without TLS': {
    spec: plain({ clientCertificate: pair }),
    field: 'spec.clientCertificate',
    says: `clientCertificate ${NEEDS_TLS}`,
  },
  'spec.insecureSkipVerify without TLS': {
    spec: plain({ insecureSkipVerify: true }),
    field: 'spec.insecureSkipVerify',
    says: `insecureSkipVerify ${NEEDS_TLS}`,
  },
  'spec.insecureSkipVerify beside a CA': {
    spec: connection({ insecureSkipVerify: true, caBundle: { inline: PEM } }),
    field: 'spec.insecureSkipVerify',
    says: 'insecureSkipVerify must not be true beside caBundle: with it nothing is verified',
  },
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
  'two methods with one identity in spec.auth': {
    spec: connection({ auth: { oidc: robot, jwt: robot } }),
    field: 'spec.auth',
    says: ONE_METHOD,
  },
  'only an unknown method in spec.auth': {
    spec: connection({ auth: { kerberos: { identityId: 'a' } } }),
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
  ...organizationRows('universal', universal),
  ...identityRows('kubernetes'),
  ...identityRows('oidc'),
  ...identityRows('jwt'),
  ...refusals('spec.auth.kubernetes.serviceAccountRef', 'Required value', [undefined], () =>
    connection({ auth: { kubernetes: { identityId: IDENTITY } } }),
  ),
  ...proofRows('oidc'),
  ...proofRows('jwt'),
  ...refusedFromClouds,
  ...refusals('spec.auth.ldap.identityId', 'Required value', [undefined], () =>
    connection({ auth: { ldap: without(ldap, 'identityId') } }),
  ),
  ...refusals(
    'spec.auth.ldap.identityId',
    "identityId must be the machine identity's id",
    ['', 'a b'],
    (identityId) => connection({ auth: { ldap: { ...ldap, identityId } } }),
  ),
  ...refusals('spec.auth.ldap.identityId', 'Too long', ['a'.repeat(65)], (identityId) =>
    connection({ auth: { ldap: { ...ldap, identityId } } }),
  ),
  ...refusals('spec.auth.ldap.username', 'Required value', [undefined], () =>
    connection({ auth: { ldap: without(ldap, 'username') } }),
  ),
  ...refusals('spec.auth.ldap.password', 'Required value', [undefined], () =>
    connection({ auth: { ldap: without(ldap, 'password') } }),
  ),
  ...credentialRows('spec.auth.ldap.username', (username) =>
    connection({ auth: { ldap: { ...ldap, username } } }),
  ),
  ...credentialRows('spec.auth.ldap.password', (password) =>
    connection({ auth: { ldap: { ...ldap, password } } }),
  ),
  ...organizationRows('ldap', ldap),
  ...credentialRows('spec.auth.token', (credential) => connection({ auth: { token: credential } })),
};
