import { describe, expect, test } from 'vitest';

import { createCertificates } from '../../../../sandbox/lease-api/certificate.ts';
import type { ConnectionSpec } from '../../../../src/api/infisical-connection.ts';
import { FaultError, type Fault } from '../../../../src/errors.ts';
import { trustOf, type TrustOptions } from '../../../../src/reconcile/connection/trust.ts';
import { HOST } from '../../../support/builders.ts';
import { broken, forbidden } from '../support/kube-errors.ts';

const { ca, cert, key } = createCertificates();
const stranger = createCertificates();
const ref = (name: string): { name: string; key: string } => ({ name, key: 'k' });
const secret = (name: string): { secretKeyRef: { name: string; key: string } } => ({
  secretKeyRef: ref(name),
});
const auth = { token: secret('token') };
const pair = { certificate: secret('cert'), privateKey: secret('key') };

type Part = Partial<Omit<ConnectionSpec, 'hostAPI' | 'auth'>>;
type Kept = Readonly<Record<string, string | Error>>;

function options(part: Part, keptThere: Kept, allowInsecure = false): TrustOptions & { asked: string[] } {
  const asked: string[] = [];
  const look = (kind: string, namespace: string, name: string): Promise<string | undefined> => {
    asked.push(`${kind} ${namespace}/${name}`);
    const found = keptThere[`${kind} ${name}`];
    return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
  };
  return {
    asked,
    cluster: {
      async readCredential(namespace, { secretKeyRef }) {
        const value = await look('Secret', namespace, secretKeyRef.name);
        return value === undefined ? undefined : { value, uid: 'uid', resourceVersion: '1' };
      },
      readConfigMap: (namespace, { name }) => look('ConfigMap', namespace, name),
    },
    namespace: 'shop',
    spec: { hostAPI: HOST, auth, ...part },
    allowInsecure,
    maxAge: 1000,
  };
}

async function faultOf(part: Part, keptThere: Kept): Promise<Fault> {
  try {
    const source = trustOf(options(part, keptThere));
    if ('read' in source) await source.read();
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('It was read.');
}

describe('what TLS of a connection is made with', () => {
  const cases: Record<string, { part: Part; kept?: Kept; is: object; asked: readonly string[] }> = {
    'nothing of its own': { part: {}, is: {}, asked: [] },
    'what stands in the spec, which costs no read': {
      part: { caBundle: { inline: ca }, tlsServerName: 'a.net' },
      is: { ca, serverName: 'a.net' },
      asked: [],
    },
    'a CA in a ConfigMap of its namespace': {
      part: { caBundle: { configMapKeyRef: ref('ca') } },
      kept: { 'ConfigMap ca': ca },
      is: { ca },
      asked: ['ConfigMap shop/ca'],
    },
    'a CA in a Secret of its namespace': {
      part: { caBundle: secret('ca') },
      kept: { 'Secret ca': ca },
      is: { ca },
      asked: ['Secret shop/ca'],
    },
    'a certificate of the client, beside a CA in the spec': {
      part: { caBundle: { inline: ca }, clientCertificate: pair },
      kept: { 'Secret cert': cert, 'Secret key': key },
      is: { ca, client: { certificate: cert, key } },
      asked: ['Secret shop/cert', 'Secret shop/key'],
    },
  };

  test.each(Object.entries(cases))('%s', async (_sentence, { part, kept: there = {}, is, asked }) => {
    const given = options(part, there);
    const source = trustOf(given);
    expect('read' in source ? await source.read() : source).toMatchObject(is);
    expect(given.asked).toEqual(asked);
  });
});

describe('what is wrong is told with the field, the object and the key', () => {
  const bundle = { caBundle: { configMapKeyRef: ref('ca') } };
  const cases: Record<string, { part: Part; kept: Kept; code: string; says: readonly string[] }> = {
    'no such ConfigMap or key': {
      part: bundle,
      kept: {},
      code: 'CredentialNotFound',
      says: ['spec.caBundle.configMapKeyRef', 'key k of ConfigMap ca'],
    },
    'no such Secret or key': {
      part: { caBundle: secret('ca') },
      kept: {},
      code: 'CredentialNotFound',
      says: ['spec.caBundle.secretKeyRef', 'key k of Secret ca'],
    },
    'no right to read it': {
      part: bundle,
      kept: { 'ConfigMap ca': forbidden },
      code: 'CredentialForbidden',
      says: ['spec.caBundle.configMapKeyRef', 'ConfigMap ca', '"get"'],
    },
    'no answer of Kubernetes': {
      part: bundle,
      kept: { 'ConfigMap ca': broken },
      code: 'KubernetesUnavailable',
      says: ['ConfigMap'],
    },
    'a CA that is none': {
      part: bundle,
      kept: { 'ConfigMap ca': 'canary' },
      code: 'TLSMaterialInvalid',
      says: ['spec.caBundle.configMapKeyRef', 'key k of ConfigMap ca', 'cannot be read'],
    },
    'a certificate that is none': {
      part: { clientCertificate: pair },
      kept: { 'Secret cert': 'canary', 'Secret key': key },
      code: 'TLSMaterialInvalid',
      says: ['spec.clientCertificate.certificate', 'key k of Secret cert', 'certificate'],
    },
    'a key that is none': {
      part: { clientCertificate: pair },
      kept: { 'Secret cert': cert, 'Secret key': 'canary' },
      code: 'TLSMaterialInvalid',
      says: ['spec.clientCertificate.privateKey', 'key k of Secret key', 'PEM'],
    },
    'a key of another certificate': {
      part: { clientCertificate: pair },
      kept: { 'Secret cert': cert, 'Secret key': stranger.key },
      code: 'TLSMaterialInvalid',
      says: ['spec.clientCertificate.privateKey', 'is not the private key'],
    },
  };

  test.each(Object.entries(cases))('%s', async (_sentence, { part, kept: there, code, says }) => {
    const { code: raised, message } = await faultOf(part, there);
    expect(raised).toBe(code);
    for (const words of says) expect(message).toContain(words);
    expect(message).not.toMatch(/canary|OpenSSL|ERR_|asn1|PEM routines/i);
  });
});

describe('a server that is not to be verified', () => {
  test('is a fault where the operator does not allow it', async () => {
    const { code, message } = await faultOf({ insecureSkipVerify: true }, {});
    expect(code).toBe('ConnectionInvalid');
    expect(message).toContain('spec.insecureSkipVerify');
    expect(message).toContain('--allow-insecure-tls');
  });

  test('is not verified where it does', () => {
    expect(trustOf(options({ insecureSkipVerify: true }, {}, true))).toMatchObject({ insecure: true });
  });
});
