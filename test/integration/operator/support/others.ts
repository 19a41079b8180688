import type { LeaseApi } from '../../../../sandbox/lease-api/lease-api.ts';
import type { LeaseTag } from '../../../../src/api/lease.ts';

/** What somebody does at a lease API, past the operator. */
interface Server {
  readonly api: LeaseApi;
  readonly identity: { readonly identityId: string };
}

const place = { projectSlug: 'shop', environmentSlug: 'prod' };

/** Somebody revokes a lease. */
export async function revokeElsewhere(server: Server, id: string | undefined): Promise<void> {
  await send(server, 'DELETE', `/${id ?? ''}`, place);
}

/** Somebody asks for a lease, with a tag or without. */
export async function leaseElsewhere(
  server: Server,
  dynamicSecretName: string,
  tag?: LeaseTag,
): Promise<void> {
  const config = tag === undefined ? {} : { config: { leaseholder: tag } };
  await send(server, 'POST', '', { ...place, dynamicSecretName, ttl: '1h', ...config });
}

async function send(
  { api, identity: { identityId } }: Server,
  method: string,
  path: string,
  body: object,
): Promise<void> {
  const { accessToken } = await api.mintToken({ identityId });
  const answer = await fetch(`${api.url}/api/v1/dynamic-secrets/leases${path}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 200) throw new Error(`${method} was answered with ${String(answer.status)}.`);
}
