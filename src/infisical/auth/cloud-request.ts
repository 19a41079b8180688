import { noProxies } from '../../network/proxies.ts';
import { dispatcherTo, requireHost } from '../dial.ts';
import { CloudError, type CloudNetwork } from './cloud.ts';

export interface CloudRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
}

export interface CloudAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The largest answer, in bytes. Tokens and credentials take a few thousand. */
const MOST = 256 * 1024;

/** The way to what a cloud has for its machines alone: the administrator's, and never by a proxy. */
export const metadataNetwork: CloudNetwork = Object.freeze({
  rule: Object.freeze({ rule: 'administrator' }),
  proxies: noProxies,
});

/**
 * One request to a cloud, on a connection of its own: logins are rare. Redirects are not followed.
 *
 * @param field that names the address, for the fault's sentence.
 * @throws FaultError where the rule does not let the address be asked; CloudError for an answer that is too large; what the
 *   connection fails with, which has a code.
 */
export async function askCloud(
  { rule, proxies }: CloudNetwork,
  { method, url: address, headers = {}, body }: CloudRequest,
  { signal, field }: { readonly signal: AbortSignal; readonly field: string },
): Promise<CloudAnswer> {
  const url = new URL(address);
  requireHost(rule, url, field);
  const dispatcher = dispatcherTo({ url, rule, proxies, field }, {});
  try {
    const { origin, pathname, search } = url;
    const request = { origin, path: pathname + search, method, headers, signal, body: body ?? null };
    const answer = await dispatcher.request(request);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MOST) throw new CloudError('an answer that is too large');
      chunks.push(chunk);
    }
    return { status: answer.statusCode, headers: single(answer.headers), body: Buffer.concat(chunks) };
  } finally {
    await dispatcher.destroy();
  }
}

function single(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')] as const],
  );
  return Object.fromEntries(pairs);
}

/** The status of an answer that is no success, in words. */
export function refusedWith(status: number): CloudError {
  return new CloudError(`the cloud answered with status ${String(status)}`);
}
