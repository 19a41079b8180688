import { describe, expect, test } from 'vitest';

import { connectionRecord } from '../../../../src/reconcile/records.ts';
import { referenceKey, referencesOf } from '../../../../src/reconcile/references/references.ts';
import type { ConnectionRecord } from '../../../../src/reconcile/ports.ts';

const HOME = 'leaseholder-system';

/** A connection of namespace shop, or of the cluster under the empty name. */
function made(spec: object, namespace = 'shop'): ConnectionRecord {
  const metadata = { name: 'infisical', namespace, uid: 'uid', resourceVersion: '1' };
  return connectionRecord({ metadata, spec: { hostAPI: 'https://infisical.example.com', ...spec } });
}

/** A connection whose spec holds what this version's schema does not know. */
function withSpec(value: object): ConnectionRecord {
  return { ...made({}), spec: { valid: true, value: value as never } };
}

const from = (name: string, key = 'value'): object => ({ secretKeyRef: { name, key } });
const token = { token: from('login') };

describe('what a connection refers to', () => {
  test.each<[string, ConnectionRecord, readonly string[]]>([
    ['the Secret of a token', made({ auth: token }), ['Secret shop/login']],
    [
      'both Secrets of a client id and secret',
      made({ auth: { universal: { clientId: from('id'), clientSecret: from('secret') } } }),
      ['Secret shop/id', 'Secret shop/secret'],
    ],
    [
      'a Secret once, however many of its keys are named',
      made({ auth: { universal: { clientId: from('login', 'id'), clientSecret: from('login', 'secret') } } }),
      ['Secret shop/login'],
    ],
    [
      'the ConfigMap of a CA',
      made({ auth: token, caBundle: { configMapKeyRef: { name: 'ca', key: 'ca.crt' } } }),
      ['ConfigMap shop/ca', 'Secret shop/login'],
    ],
    [
      'a Secret and a ConfigMap of one name as two',
      made({ auth: token, caBundle: { configMapKeyRef: { name: 'login', key: 'ca.crt' } } }),
      ['ConfigMap shop/login', 'Secret shop/login'],
    ],
    [
      'the Secrets of a CA and of a client certificate',
      made({
        auth: token,
        caBundle: from('ca'),
        clientCertificate: { certificate: from('certificate'), privateKey: from('key') },
      }),
      ['Secret shop/ca', 'Secret shop/certificate', 'Secret shop/key', 'Secret shop/login'],
    ],
    ['what a cluster connection names, at home', made({ auth: token }, ''), [`Secret ${HOME}/login`]],
    ['nothing where the spec cannot be read', made({ auth: {} }), []],
    [
      'what a field names that is not known here',
      withSpec({ auth: { later: { proof: { secretKeyRef: { name: 'proof', key: 'key' } } } } }),
      ['Secret shop/proof'],
    ],
    [
      'nothing that is no name of an object',
      withSpec({ one: { secretKeyRef: { name: 'a,b=c' } }, other: { secretKeyRef: 'x' }, last: null }),
      [],
    ],
  ])('is %s', (_sentence, connection, expected) => {
    expect(
      referencesOf(connection, HOME)
        .map((one) => referenceKey(one))
        .sort(),
    ).toEqual(expected);
  });

  test('is bounded, in number and in depth', () => {
    const many = Array.from({ length: 100 }, (_, index) => from(`secret-${String(index)}`));
    expect(referencesOf(withSpec({ many }), HOME)).toHaveLength(16);
    const deep = Array.from({ length: 20 }).reduce<object>((within) => ({ within }), from('deep'));
    expect(referencesOf(withSpec(deep), HOME)).toEqual([]);
  });
});
