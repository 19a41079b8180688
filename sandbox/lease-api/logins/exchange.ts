import { Agent, request } from 'undici';

/** How far the other side's certificate is believed. */
export interface Trust {
  /** PEM. @default the system's authorities */
  readonly ca?: string | undefined;
  /** False: any certificate will do. */
  readonly verify: boolean;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Sent in the Authorization header. @default none is sent */
  readonly bearer?: string | undefined;
  readonly body?: unknown;
  readonly trust: Trust;
}

export interface Reply {
  readonly status: number;
  /** Undefined where it is no JSON. */
  readonly body: unknown;
}

/** How long the other side may take, in milliseconds. */
const PATIENCE = 10_000;

/**
 * One request to whoever vouches for a token, on a connection of its own: logins are rare, and what an issuer changes
 * shows at once.
 *
 * @throws what the connection fails with; it has a `code`
 */
export async function ask({ method, url, bearer, body, trust }: Question): Promise<Reply> {
  const dispatcher = new Agent({
    connect: { ca: trust.ca, rejectUnauthorized: trust.verify, timeout: PATIENCE },
    allowH2: false,
  });
  try {
    const answer = await request(url, {
      dispatcher,
      method,
      signal: AbortSignal.timeout(PATIENCE),
      headers: {
        // The keys of an API server have a type of their own, and are given to nobody who does not take it.
        accept: 'application/json, text/plain, */*',
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: answer.statusCode, body: parsed(await answer.body.text()) };
  } finally {
    await dispatcher.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
