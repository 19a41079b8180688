import { readFile } from 'node:fs/promises';

import { Agent, request } from 'undici';

export interface LeanRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string;
}

/** What a write needs and nothing more: kept connections, no retries, no reading of what nobody asks for. */
export interface LeanClient extends AsyncDisposable {
  /** @returns the body, parsed. @throws Error for anything but a 2xx. */
  read(wanted: LeanRequest): Promise<unknown>;
  /** The body is dropped. @throws Error for anything but a 2xx. */
  send(wanted: LeanRequest): Promise<void>;
}

export interface LeanClientOptions {
  readonly server: string;
  readonly caFile: string;
  readonly token: string;
  /** Default: 8, as many as the operator has. */
  readonly connections?: number;
}

/** How long an answer may take, in milliseconds: a bench that hangs measures nothing. */
const DEADLINE = 60_000;

export async function leanClient(options: LeanClientOptions): Promise<LeanClient> {
  const { server, caFile, token, connections = 8 } = options;
  const ca = await readFile(caFile, 'utf8');
  const agent = new Agent({ allowH2: false, connections, connect: { ca } });
  const call = async (wanted: LeanRequest): Promise<Awaited<ReturnType<typeof request>>['body']> => {
    const { method, path, body, contentType = 'application/json' } = wanted;
    const answer = await request(`${server}${path}`, {
      dispatcher: agent,
      method,
      headersTimeout: DEADLINE,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': contentType },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (answer.statusCode < 300) return answer.body;
    const words = await answer.body.text();
    throw new Error(`${method} ${path}: ${String(answer.statusCode)} ${words.slice(0, 500)}`);
  };
  return {
    read: async (wanted) => (await call(wanted)).json(),
    send: async (wanted) => (await call(wanted)).dump(),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

/** Does something for each, so many at a time. */
export async function each<T>(
  items: Iterable<T>,
  atATime: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: atATime }, lane));
}
