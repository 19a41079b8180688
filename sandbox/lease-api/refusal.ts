import { STATUS_CODES } from 'node:http';

/** Which server is imitated: a recent one, or one of July 2024. Both are in use. */
export const PROFILES = ['current', '2024'] as const;
export type Profile = (typeof PROFILES)[number];

/** The kinds of failure that the server tells apart; the profile decides their status code. */
export type RefusalKind =
  | 'bad-request'
  | 'not-found'
  | 'validation'
  | 'permission'
  | 'forbidden'
  | 'unauthorized'
  | 'token'
  | 'database'
  | 'internal'
  | 'rate-limit';

interface Row {
  readonly status: number;
  readonly error: string;
}

const RAW: Row = { status: 500, error: 'Internal Server Error' };

/** Status code and `error` of each kind. 401 and 403 change places between the profiles. */
const TABLE: Record<Profile, Record<RefusalKind, Row>> = {
  current: {
    'bad-request': { status: 400, error: 'BadRequest' },
    'not-found': { status: 404, error: 'NotFound' },
    validation: { status: 422, error: 'ValidationFailure' },
    permission: { status: 403, error: 'PermissionDenied' },
    forbidden: { status: 403, error: 'ForbiddenError' },
    unauthorized: { status: 401, error: 'UnauthorizedError' },
    token: { status: 403, error: 'TokenError' },
    database: { status: 500, error: 'DatabaseError' },
    internal: { status: 500, error: 'InternalServerError' },
    'rate-limit': { status: 429, error: 'RateLimitExceeded' },
  },
  '2024': {
    'bad-request': { status: 400, error: 'BadRequest' },
    'not-found': { status: 400, error: 'BadRequest' },
    validation: { status: 403, error: 'ValidationFailure' },
    permission: { status: 401, error: 'PermissionDenied' },
    forbidden: RAW,
    unauthorized: { status: 403, error: 'UnauthorizedError' },
    token: RAW,
    database: { status: 500, error: 'DatabaseError' },
    internal: RAW,
    'rate-limit': { status: 429, error: 'Too Many Requests' },
  },
};

export const GENERIC_MESSAGE = 'Something went wrong';

interface RefusalExtras {
  /** Replaces the `error` of the table. */
  readonly error?: string;
  /** Only on 400 and 403 of the current server. */
  readonly details?: unknown;
  /** The issues of a failed validation: the `message` is then this array. */
  readonly issues?: readonly unknown[];
  /** The code of a driver error; the 2024 server passes it on. */
  readonly code?: string;
  readonly retryAfterSeconds?: number;
}

/** An answer other than 200, thrown anywhere in the server. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  readonly extras: RefusalExtras;

  constructor(kind: RefusalKind, message: string, extras: RefusalExtras = {}) {
    super(message);
    this.kind = kind;
    this.extras = extras;
  }
}

export interface ErrorAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;
}

/**
 * The answer to whatever was thrown. An error that is not a refusal is a fault inside the server: the current one
 * says only that something went wrong, the 2024 one passes the raw message on.
 */
export function errorAnswer(error: unknown, profile: Profile, reqId: string): ErrorAnswer {
  const refusal = error instanceof Refusal ? error : refusalOf(error);
  if (profile === '2024') return answer2024(refusal, error);
  const row = TABLE.current[refusal.kind];
  const status = row.status;
  const { details, issues } = refusal.extras;
  const message = refusal.kind === 'internal' ? GENERIC_MESSAGE : (issues ?? refusal.message);
  const shown = details !== undefined && (status === 400 || status === 403) ? { details } : {};
  return {
    status,
    body: { reqId, statusCode: status, message, error: refusal.extras.error ?? row.error, ...shown },
    retryAfterSeconds: refusal.extras.retryAfterSeconds,
  };
}

function answer2024(refusal: Refusal, original: unknown): ErrorAnswer {
  const row = TABLE['2024'][refusal.kind];
  const status = refusal.kind === 'internal' ? parseStatus(original) : row.status;
  const { code, issues, retryAfterSeconds } = refusal.extras;
  const error = status === row.status ? (refusal.extras.error ?? row.error) : STATUS_CODES[status];
  return {
    status,
    body: {
      statusCode: status,
      ...(code !== undefined && { code }),
      error,
      message: issues ?? refusal.message,
    },
    retryAfterSeconds,
  };
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error)) return new Refusal('internal', String(error));
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return new Refusal('internal', error.message, code);
}

/** The framework's own complaints (a body that is no JSON, a wrong content type) keep their status code in 2024. */
function parseStatus(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}
