import { expect } from 'vitest';

import { place, type Declared } from './declared.ts';

/** Somebody leases by hand: a lease that no object of the cluster has asked for. */
export async function leaseByHand(own: Declared): Promise<void> {
  await ask(own, 'POST', 'leases', { dynamicSecretName: 'orders-redis', ttl: '1h' });
}

/** Somebody changes the dynamic secret by hand. */
export async function changeByHand(own: Declared, data: object): Promise<void> {
  await ask(own, 'PATCH', 'orders-redis', { data });
}

async function ask({ api }: Declared, method: string, path: string, body: object): Promise<void> {
  const { identityId } = await api.seedIdentity({ grants: [{ projectSlug: 'shop' }] });
  const { accessToken } = await api.mintToken({ identityId });
  const answer = await fetch(`${api.url}/api/v1/dynamic-secrets/${path}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...place, ...body }),
  });
  expect(answer.status).toBe(200);
}
