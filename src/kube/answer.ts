import type { Dispatcher } from 'undici';

import type { WholeAnswer } from './whole-answer.ts';
import { KubeError, refusal } from './kube-error.ts';

/** The head of an answer, its body unread. */
export type OpenAnswer = Dispatcher.ResponseData;

/**
 * Passes a 2xx on.
 *
 * @throws KubeError of anything else.
 */
export async function requireSuccess(request: string, answer: OpenAnswer): Promise<OpenAnswer> {
  const { statusCode, headers, body } = answer;
  if (isSuccess(statusCode)) return answer;
  throw refused(request, { statusCode, headers, text: await body.text() });
}

/**
 * The parsed body of a 2xx.
 *
 * @throws KubeError of anything else.
 */
export function successBody(request: string, answer: WholeAnswer): unknown {
  const { statusCode, text } = answer;
  if (isSuccess(statusCode)) return parseJson(request, statusCode, text);
  throw refused(request, answer);
}

function isSuccess(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function refused(request: string, { statusCode, headers, text }: WholeAnswer): KubeError {
  return refusal(request, statusCode, tryParse(text), retryAfterOf(headers));
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
function retryAfterOf(headers: WholeAnswer['headers']): number | undefined {
  const header = headers['retry-after'];
  return typeof header === 'string' && /^[0-9]{1,5}$/.test(header) ? Number(header) * 1000 : undefined;
}
