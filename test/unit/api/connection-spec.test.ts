import { describe, expect, test } from 'vitest';

import { structural } from '../../../src/api/crd.ts';
import { connectionSpec, connectionStatus, serverOf } from '../../../src/api/infisical-connection.ts';
import { nodesOf, rulesOf, violations } from '../../support/structural.ts';

const source = { secretKeyRef: { name: 'infisical-login', key: 'client-secret' } };
const universal = { clientId: source, clientSecret: source };
const ID = '0b2b6a3e-9d6e-4f6e-8a3c-6d6f2f0e7a11';
const least = { hostAPI: 'https://eu.infisical.com', auth: { universal } };
const webIdentity = {
  roleArn: 'arn:aws-us-gov:iam::123456789012:role/team/leases',
  serviceAccountRef: { name: 'robot' },
};
const workloadIdentity = {
  tenantId: ID,
  clientId: ID,
  serviceAccountRef: { name: 'robot', audience: 'api://x' },
};
const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const schema = structural(connectionSpec);

describe('a connection is accepted, by zod and by the schema of the CRD', () => {
  const cases: Record<string, unknown> = {
    'with a client id and secret': least,
    'with a token': { ...least, auth: { token: source } },
    'with a client id and secret of an organisation': {
      ...least,
      auth: { universal: { ...universal, organizationSlug: 'acme-2' } },
    },
    'with a service account that the server has reviewed': {
      ...least,
      auth: {
        kubernetes: { identityId: ID, serviceAccountRef: { name: 'robot' }, organizationSlug: 'acme' },
      },
    },
    'with a service account and an audience': {
      ...least,
      auth: {
        kubernetes: {
          identityId: ID,
          serviceAccountRef: { name: 'robot', audience: 'https://acme.example' },
        },
      },
    },
    'with a service account as an OpenID identity': {
      ...least,
      auth: { oidc: { identityId: ID, serviceAccountRef: { name: 'robot', audience: 'infisical' } } },
    },
    'with a JWT of a Secret': { ...least, auth: { jwt: { identityId: ID, ...source } } },
    'with a user of a directory': {
      ...least,
      auth: { ldap: { identityId: ID, username: source, password: source } },
    },
    'with an access key of AWS': {
      ...least,
      auth: {
        aws: {
          identityId: ID,
          region: 'eu-central-1',
          accessKey: { accessKeyId: source, secretAccessKey: source, sessionToken: source },
        },
      },
    },
    'with a role of AWS': {
      ...least,
      auth: { aws: { identityId: ID, region: 'us-gov-west-1', webIdentity } },
    },
    'with the identity that AWS gives the operator': {
      ...least,
      auth: { aws: { identityId: ID, region: 'eu-central-1', operatorIdentity: {} } },
    },
    'with a workload identity of Azure': {
      ...least,
      auth: { azure: { identityId: ID, resource: 'api://infisical', workloadIdentity } },
    },
    'with the identity that Azure gives the operator': {
      ...least,
      auth: { azure: { identityId: ID, operatorIdentity: { clientId: ID } } },
    },
    'with a key of a service account of Google Cloud': {
      ...least,
      auth: { gcp: { identityId: ID, serviceAccountKey: source } },
    },
    'with a service account that the operator impersonates': {
      ...least,
      auth: {
        gcp: {
          identityId: ID,
          operatorIdentity: { impersonate: 'leases@a-project.iam.gserviceaccount.com' },
        },
      },
    },
    'with the address of the API': { ...least, hostAPI: 'https://eu.infisical.com/api' },
    'without TLS, with a port and a path': {
      ...least,
      hostAPI: 'http://infisical.infra.svc:8080/vault/api/',
    },
    'with an address of IPv6': { ...least, hostAPI: 'https://[fd00::1]:8443' },
    'with a certificate of its own': { ...least, caBundle: { inline: pem } },
    'with a CA in a ConfigMap': { ...least, caBundle: { configMapKeyRef: { name: 'ca', key: 'ca.crt' } } },
    'with a CA in a Secret': { ...least, caBundle: source },
    'with a name and a certificate for TLS': {
      ...least,
      tlsServerName: 'infisical.example.com',
      clientCertificate: { certificate: source, privateKey: source },
    },
    'that is not verified': { ...least, insecureSkipVerify: true },
    'that is verified by its own CA, said twice': {
      ...least,
      caBundle: source,
      insecureSkipVerify: false,
    },
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
    'with a CA from two sources': {
      spec: { ...least, caBundle: { inline: pem, ...source } },
      at: '.caBundle',
    },
    'with a CA in a ConfigMap without its key': {
      spec: { ...least, caBundle: { configMapKeyRef: { name: 'ca' } } },
      at: '.caBundle.configMapKeyRef',
    },
    'with a name for TLS that is an address': {
      spec: { ...least, tlsServerName: 'https://infisical.example.com' },
      at: '.tlsServerName',
    },
    'with a certificate and no key': {
      spec: { ...least, clientCertificate: { certificate: source } },
      at: '.clientCertificate',
    },
    'with a CA that is not used': {
      spec: { ...least, caBundle: { inline: pem }, insecureSkipVerify: true },
      at: '.insecureSkipVerify',
    },
    'with a name for TLS, and no TLS': {
      spec: { ...least, hostAPI: 'http://infisical', tlsServerName: 'infisical' },
      at: '.tlsServerName',
    },
    'with a certificate, and no TLS': {
      spec: {
        ...least,
        hostAPI: 'http://infisical',
        clientCertificate: { certificate: source, privateKey: source },
      },
      at: '.clientCertificate',
    },
    'that is not verified, and has no TLS': {
      spec: { ...least, hostAPI: 'http://infisical', insecureSkipVerify: true },
      at: '.insecureSkipVerify',
    },
    'with a service account without an identity': {
      spec: { ...least, auth: { kubernetes: { serviceAccountRef: { name: 'robot' } } } },
      at: '.auth.kubernetes',
    },
    'with an identity without a service account': {
      spec: { ...least, auth: { kubernetes: { identityId: ID } } },
      at: '.auth.kubernetes',
    },
    'with an id that is none': {
      spec: { ...least, auth: { kubernetes: { identityId: 'a b', serviceAccountRef: { name: 'robot' } } } },
      at: '.auth.kubernetes.identityId',
    },
    'with a service account of another namespace': {
      spec: {
        ...least,
        auth: { kubernetes: { identityId: ID, serviceAccountRef: { name: 'other/robot' } } },
      },
      at: '.auth.kubernetes.serviceAccountRef.name',
    },
    'with two audiences': {
      spec: {
        ...least,
        auth: { oidc: { identityId: ID, serviceAccountRef: { name: 'robot', audience: 'a b' } } },
      },
      at: '.auth.oidc.serviceAccountRef.audience',
    },
    'with no proof of an OpenID identity': {
      spec: { ...least, auth: { oidc: { identityId: ID } } },
      at: '.auth.oidc',
    },
    'with two proofs of a JWT identity': {
      spec: { ...least, auth: { jwt: { identityId: ID, serviceAccountRef: { name: 'robot' }, ...source } } },
      at: '.auth.jwt',
    },
    'with the name of an organisation in place of its slug': {
      spec: { ...least, auth: { universal: { ...universal, organizationSlug: 'Acme Ltd' } } },
      at: '.auth.universal.organizationSlug',
    },
    'with a slug of 33 characters': {
      spec: { ...least, auth: { universal: { ...universal, organizationSlug: 'a'.repeat(33) } } },
      at: '.auth.universal.organizationSlug',
    },
    'with a user of a directory without a password': {
      spec: { ...least, auth: { ldap: { identityId: ID, username: source } } },
      at: '.auth.ldap',
    },
    'with a password of a user instead of its name': {
      spec: { ...least, auth: { ldap: { identityId: ID, username: source, password: 'x' } } },
      at: '.auth.ldap.password',
    },
    'with AWS and no credentials': {
      spec: { ...least, auth: { aws: { identityId: ID, region: 'eu-central-1' } } },
      at: '.auth.aws',
    },
    'with AWS and two kinds of credentials': {
      spec: {
        ...least,
        auth: { aws: { identityId: ID, region: 'eu-central-1', webIdentity, operatorIdentity: {} } },
      },
      at: '.auth.aws',
    },
    'with a region that leads elsewhere': {
      spec: {
        ...least,
        auth: { aws: { identityId: ID, region: 'eu-central-1.evil.example/', operatorIdentity: {} } },
      },
      at: '.auth.aws.region',
    },
    'with an STS that has a path': {
      spec: {
        ...least,
        auth: {
          aws: {
            identityId: ID,
            region: 'eu-central-1',
            stsEndpoint: 'https://a.example/b',
            operatorIdentity: {},
          },
        },
      },
      at: '.auth.aws.stsEndpoint',
    },
    'with a user of AWS in place of a role': {
      spec: {
        ...least,
        auth: {
          aws: {
            identityId: ID,
            region: 'eu-central-1',
            webIdentity: { ...webIdentity, roleArn: 'arn:aws:iam::123456789012:user/x' },
          },
        },
      },
      at: '.auth.aws.webIdentity.roleArn',
    },
    'with Azure and no identity': {
      spec: { ...least, auth: { azure: { identityId: ID } } },
      at: '.auth.azure',
    },
    'with an Entra ID without TLS': {
      spec: {
        ...least,
        auth: {
          azure: {
            identityId: ID,
            workloadIdentity: { ...workloadIdentity, authorityHost: 'http://login.example' },
          },
        },
      },
      at: '.auth.azure.workloadIdentity.authorityHost',
    },
    'with a tenant that leads elsewhere': {
      spec: {
        ...least,
        auth: { azure: { identityId: ID, workloadIdentity: { ...workloadIdentity, tenantId: '../x' } } },
      },
      at: '.auth.azure.workloadIdentity.tenantId',
    },
    'with Google Cloud and two identities': {
      spec: {
        ...least,
        auth: { gcp: { identityId: ID, serviceAccountKey: source, operatorIdentity: {} } },
      },
      at: '.auth.gcp',
    },
    'with a service account of Google Cloud that leads elsewhere': {
      spec: {
        ...least,
        auth: { gcp: { identityId: ID, operatorIdentity: { impersonate: 'a@b/../c.gserviceaccount.com' } } },
      },
      at: '.auth.gcp.operatorIdentity.impersonate',
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
  const taking = texts
    .map(({ path }) => path)
    .filter((path) => !/\.(secret|configMap)KeyRef\.(name|key)$/.test(path))
    // Names of what is no secret: an identity, an organisation, a service account and whom its token is for.
    .filter((path) => !/\.(identityId|organizationSlug|serviceAccountRef\.(name|audience))$/.test(path))
    // Who and where somebody is at a cloud.
    .filter((path) => !/\.aws\.(region|stsEndpoint|webIdentity\.roleArn)$/.test(path))
    .filter((path) => !/\.azure\.(resource|\w+Identity\.(tenantId|clientId|authorityHost))$/.test(path))
    .filter((path) => !path.endsWith('.gcp.operatorIdentity.impersonate'));
  expect(taking).toEqual(['.hostAPI', '.caBundle.inline', '.tlsServerName']);
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
