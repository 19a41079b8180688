import type { Dispatcher } from 'undici';

import { KubeError, refusal } from './kube-error.ts';

/** The head of an answer, its body unread. */
export type Answer = Dispatcher.ResponseData;

/**
 * Passes a 2xx on.
 *
 * @throws KubeError of anything else.
 */
export async function requireSuccess(request: string, answer: Answer): Promise<Answer> {
  const { statusCode, body } = answer;
  if (statusCode >= 200 && statusCode < 300) return answer;
  throw refusal(request, statusCode, tryParse(await body.text()), retryAfterOf(answer));
}

/**
 * The parsed body of a 2xx.
 *
 * @throws KubeError of anything else.
 */
export async function successBody(request: string, answer: Answer): Promise<unknown> {
  const { statusCode, body } = await requireSuccess(request, answer);
  return parseJson(request, statusCode, await body.text());
}

/**
 * Parses JSON. The parser's own words quote what it read, so they are never passed on.
 *
 * @throws KubeError with reason `UnexpectedAnswer`.
 */
export function parseJson(request: string, status: number, text: string): unknown {
  const value = tryParse(text);
  if (value === undefined) throw new KubeError(request, { status, reason: 'UnexpectedAnswer' });
  return value;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `Retry-After` in seconds, as the API server writes it; a date is not read. */
function retryAfterOf({ headers }: Answer): number | undefined {
  const header = headers['retry-after'];
  return typeof header === 'string' && /^[0-9]{1,5}$/.test(header) ? Number(header) * 1000 : undefined;
}
