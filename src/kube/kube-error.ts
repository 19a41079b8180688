import { z } from 'zod';

/** Words of our own for what is no answer of the API server. Its own reasons come from `Status.reason`. */
export type FailureReason =
  /** No answer within the request's deadline. */
  | 'Timeout'
  /** No connection could be made. */
  | 'Unreachable'
  /** The connection broke off before the answer was complete. */
  | 'NoAnswer'
  /** A watch that sent nothing for too long. */
  | 'Silent'
  /** The caller gave the request up. */
  | 'Aborted'
  /** Something answered that is not the API server, or not as it should. */
  | 'UnexpectedAnswer'
  /** Not sent: this process does not lead. */
  | typeof NOT_LEADING;

/** The reason of a write that was not sent because this process does not lead. */
export const NOT_LEADING = 'NotLeading';

interface Details {
  readonly status?: number | undefined;
  readonly reason: string;
  readonly retryAfter?: number | undefined;
  readonly fields?: readonly string[];
  /** The system's word for a failed connection, such as ECONNREFUSED. */
  readonly code?: string | undefined;
}

/** A request to the Kubernetes API that failed. Its message names the request and the status, and nothing of the body. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** `Status.reason` of the answer, or a {@link FailureReason}. */
  readonly reason: string;
  /** The server's wish: not again before this many milliseconds. */
  readonly retryAfter: number | undefined;
  /** The names of the fields that the server calls invalid; never their values. */
  readonly fields: readonly string[];

  /** @param request what was asked for, such as "patch secrets". */
  constructor(request: string, details: Details) {
    const { status, reason, retryAfter, fields = [], code } = details;
    const outcome = status === undefined ? 'failed' : `was answered with ${String(status)}`;
    super(`The request to ${request} ${outcome} (${code === undefined ? reason : `${reason}, ${code}`}).`);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
    this.fields = fields;
  }
}

/** A write that was refused because its resourceVersion, or another precondition, was out of date. */
export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason === 'Conflict';
}

/** The API server knows no such object. A 404 of anything else in its place is no proof of that. */
export function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.status === 404 && error.reason === 'NotFound';
}

/** An object of that name exists. */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason === 'AlreadyExists';
}

/** The resourceVersion asked for is no longer kept (410). */
export function isExpired(error: unknown): boolean {
  return error instanceof KubeError && error.status === 410;
}

/**
 * A refusal (4xx other than 408 and 429, or our own for want of the lead): what was asked for was surely not done, and
 * would be refused again.
 */
export function isDefinite(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  if (error.status === undefined) return error.reason === NOT_LEADING;
  return error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429;
}

/** No answer, or one that does not tell (5xx, 408, no API answer at all): a write may have been done. A 429 was not. */
export function isDoubtful(error: unknown): boolean {
  return error instanceof KubeError && error.status !== 429 && !isDefinite(error);
}

const statusBody = z.object({
  kind: z.literal('Status'),
  code: z.int().optional(),
  reason: z.string().optional(),
  details: z
    .object({
      retryAfterSeconds: z.number().nonnegative().optional(),
      causes: z.array(z.object({ field: z.string().optional() })).optional(),
    })
    .optional(),
});

const MOST_FIELDS = 16;
const word = /^[A-Za-z]{1,64}$/;
/** A path of field names and of keys; what does not look like one is not passed on. */
const fieldPath = /^[A-Za-z0-9_.[\]/-]{1,253}$/;

/**
 * Makes an error of a refusal.
 *
 * @param status the HTTP status; for an `ERROR` event of a watch undefined: there the body's own code counts.
 * @param body the parsed body; anything that is no `Status` means that something else answered.
 * @param retryAfter milliseconds of the `Retry-After` header.
 */
export function refusal(
  request: string,
  status: number | undefined,
  body: unknown,
  retryAfter?: number,
): KubeError {
  const parsed = statusBody.safeParse(body);
  if (!parsed.success) return new KubeError(request, { status, reason: 'UnexpectedAnswer', retryAfter });
  const { code, reason, details } = parsed.data;
  const seconds = details?.retryAfterSeconds;
  return new KubeError(request, {
    status: status ?? code,
    reason: reason !== undefined && word.test(reason) ? reason : 'Unknown',
    retryAfter: retryAfter ?? (seconds === undefined ? undefined : seconds * 1000),
    fields: fieldsOf(details?.causes ?? []),
  });
}

function fieldsOf(causes: readonly { field?: string | undefined }[]): readonly string[] {
  const fields = causes
    .map(({ field }) => field)
    .filter((field) => field !== undefined && fieldPath.test(field));
  return [...new Set(fields.filter((field) => field !== undefined))].slice(0, MOST_FIELDS);
}

/** What is read, or undefined where it does not exist. Every other failure stays one. */
export async function found(reading: Promise<unknown>): Promise<unknown> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
