import { z } from 'zod';

import type { LeaseApi } from '../../sandbox/lease-api/lease-api.ts';

/** Asks the lease API about dynamic secrets, with a path under `/api/v1/dynamic-secrets`. */
export type Ask = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  /** A GET has it in its query. */
  body: Readonly<Record<string, string>>,
) => Promise<unknown>;

/** Somebody at the lease API who is not the operator. A call throws Error when it is not answered with 200. */
export async function onlooker(api: LeaseApi, identityId: string): Promise<Ask> {
  const { accessToken } = await api.mintToken({ identityId });
  const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
  return async (method, path, body) => {
    const url = new URL(`${api.url}/api/v1/dynamic-secrets${path === '' ? '' : `/${path}`}`);
    if (method === 'GET') url.search = new URLSearchParams(body).toString();
    const answer = await fetch(url, {
      method,
      headers,
      ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status !== 200)
      throw new Error(`${method} ${path} was answered with ${String(answer.status)}.`);
    return answer.json();
  };
}

const connectionObject = z.object({
  metadata: z.object({ finalizers: z.array(z.string()).default([]) }),
});

/** Whether anybody's finalizer keeps a connection. @throws ZodError when it is none. */
export function isHeld(connection: unknown): boolean {
  return connectionObject.parse(connection).metadata.finalizers.length > 0;
}
