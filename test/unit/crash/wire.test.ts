import { expect, it } from 'vitest';

import { leaseApiName } from '../../crash/wire.ts';
import type { Exchange } from '../../support/proxy.ts';

const folder = '/api/v1/dynamic-secrets';

function secretOf(lease: string): string | undefined {
  return lease === 'known' ? 'db' : undefined;
}

it.each([
  ['POST dynamic-secret db', 'POST', folder, { name: 'db' }],
  ['PATCH dynamic-secret db', 'PATCH', `${folder}/db`, { data: { newName: 'other' } }],
  ['DELETE dynamic-secret db', 'DELETE', `${folder}/db`, { isForced: false }],
  ['GET dynamic-secrets all', 'GET', `${folder}?projectSlug=shop`, undefined],
  ['GET leases db', 'GET', `${folder}/db/leases?projectSlug=shop`, undefined],
  ['POST lease db', 'POST', `${folder}/leases`, { dynamicSecretName: 'db' }],
  ['DELETE lease db', 'DELETE', `${folder}/leases/known`, {}],
  ['POST lease/renew unknown', 'POST', `${folder}/leases/other/renew`, {}],
  ['POST /api/v1/auth/universal-auth/login', 'POST', '/api/v1/auth/universal-auth/login', {}],
])('calls a request to the lease API %s', (name, method, url, body) => {
  const exchange = { method, url, body: Buffer.from(body === undefined ? '' : JSON.stringify(body)) };
  expect(leaseApiName(exchange as unknown as Exchange, secretOf)).toBe(name);
});
