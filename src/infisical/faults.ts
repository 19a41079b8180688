import type { Target } from '../api/lease.ts';
import { type Fault, fault } from '../errors.ts';
import { parseInstant } from '../instant.ts';
import type { LoginKind } from './auth/access-token.ts';
import {
  type AskedOfDynamicSecret,
  type RefusedAnswer,
  refusedDynamicSecret,
} from './dynamic-secret-faults.ts';
import type { AnswerHeaders, Outcome, Unreadable } from './exchange.ts';
import { knownMessage, type KnownMessage } from './known-messages.ts';
import type { Verdict } from './request-error.ts';
import { issuePaths, refusal } from './schemas.ts';

/**
 * From an answer to a fault.
 *
 * The rule: **flow and retry class are decided by the status and the `error` field alone.** Messages differ between
 * server versions. A message that is known word for word may choose a more telling code, but only one of the same
 * fate and the same retry class, so that a server with other words changes a sentence and nothing else.
 *
 * One exception, for servers of 2024: they answer a JWT that does not verify with a bare 500 whose message is the JWT
 * library's. There the message is all there is, so it decides that the token is dead.
 *
 * In those servers 401 and 403 mean the reverse of what they mean in newer ones, 403 is also a failed validation, and
 * an unknown project is a 500 of the database: hence `error` before status.
 */

/** What was asked, as far as a fault speaks of it. */
export type Asked =
  | {
      readonly kind: 'create';
      readonly host: string;
      readonly target: Target;
      readonly ttl?: string | undefined;
    }
  | { readonly kind: 'get' | 'list' | 'renew' | 'revoke'; readonly host: string; readonly target: Target }
  | AskedOfDynamicSecret
  | { readonly kind: 'login'; readonly host: string; readonly method: LoginKind }
  | { readonly kind: 'status'; readonly host: string }
  | { readonly kind: 'verify'; readonly host: string };

/** What was asked about leases. */
type AskedOfLeases = Extract<Asked, { kind: 'create' | 'get' | 'list' | 'renew' | 'revoke' }>;

/** What was asked with a token. */
export type AskedWithToken =
  AskedOfLeases | AskedOfDynamicSecret | { readonly kind: 'verify'; readonly host: string };

/** The longest wish of a server that is honoured, in milliseconds. */
const LONGEST_RETRY_AFTER = 3_600_000;

const words = {
  create: 'create a lease',
  get: 'read a lease',
  list: 'list leases',
  renew: 'renew a lease',
  revoke: 'revoke a lease',
  createDynamicSecret: 'create the dynamic secret',
  updateDynamicSecret: 'change the dynamic secret',
  deleteDynamicSecret: 'delete the dynamic secret',
  listDynamicSecrets: 'list dynamic secrets',
  login: 'log in',
  status: 'tell the time',
  verify: 'check the access token',
} as const satisfies Record<Asked['kind'], string>;

const problems = {
  'not marked as JSON': 'a body that is not JSON',
  'not valid JSON': 'a body that is not valid JSON',
  'too large': 'a body that is too large',
} as const satisfies Record<Unreadable, string>;

/** The verdict on an exchange that was no success (a success that cannot be read: {@link misfit}). */
export function verdictOn(asked: Asked, outcome: Outcome): Verdict {
  switch (outcome.kind) {
    case 'failed':
      return { fault: brokenOff(asked, outcome), fate: outcome.sent ? 'unknown' : 'refused' };
    case 'heldBack':
      return { fault: outcome.fault, fate: 'refused' };
    case 'unreadable':
      return unreadable(asked, outcome);
    case 'answered':
      return answered(asked, { status: outcome.status, headers: outcome.headers, ...read(outcome.body) });
  }
}

/** The verdict on an answer whose status says success and whose body does not. */
export function misfit(asked: Asked, status: number): Verdict {
  return unexpected(asked, status, 'a body of an unknown form');
}

function brokenOff(asked: Asked, { sent, cause }: Extract<Outcome, { kind: 'failed' }>): Fault {
  const { host } = asked;
  if (cause.kind === 'fault') return cause.fault;
  // In TLS 1.3 a server says so after the request has left.
  if (cause.kind === 'clientUntrusted')
    return fault('ClientCertificateRefused', { host, cause: cause.words });
  if (cause.kind === 'proxyRefused') return fault('ProxyRefused', { host, cause: cause.words });
  if (sent) return fault('NoAnswer', { host, request: words[asked.kind] });
  return fault(cause.kind === 'untrusted' ? 'CertificateUntrusted' : 'ServerUnreachable', {
    host,
    cause: cause.words,
  });
}

/** Proxies answer in HTML. Only what they alone decide is told apart: their limits and their failures. */
function unreadable(asked: Asked, answer: Extract<Outcome, { kind: 'unreadable' }>): Verdict {
  const { status, headers } = answer;
  if (status === 429) return limited(asked, headers);
  if (status >= 500) return failed(asked, status);
  return unexpected(asked, status, problems[answer.problem]);
}

interface Answer extends RefusedAnswer {
  readonly headers: AnswerHeaders;
}

function read(body: unknown): Omit<Answer, 'status' | 'headers'> {
  const parsed = refusal.safeParse(body).data;
  return { error: parsed?.error, message: parsed?.message, issues: issuePaths(body) };
}

function answered(asked: Asked, answer: Answer): Verdict {
  const { status, headers } = answer;
  if (status === 429) return limited(asked, headers);
  if (asked.kind === 'login' || asked.kind === 'status') return withoutToken(asked, status);
  if (isDeadToken(answer)) {
    return {
      fault: fault('TokenRefused', { host: asked.host, status }),
      fate: 'refused',
      status,
      deadToken: true,
    };
  }
  if (asked.kind === 'verify' || !isRaisedBeforeWork(answer)) return beyond(asked, status);
  return isOfDynamicSecret(asked) ? refusedDynamicSecret(asked, answer) : refused(asked, answer);
}

/** Whether surely nothing was done: a refusal, or a failure of names alone. */
function isRaisedBeforeWork({ status, error }: RefusedAnswer): boolean {
  if (status >= 500) return error !== undefined && namesFailed.has(error);
  // 408: the server, or a proxy, gave up while the request was under way.
  return status >= 400 && status !== 408;
}

function isOfDynamicSecret(asked: AskedOfLeases | AskedOfDynamicSecret): asked is AskedOfDynamicSecret {
  return asked.kind.includes('DynamicSecret');
}

/** Database operations of 2024 that come first in a handler and fail when a name is unknown or malformed. */
const namesFailed: ReadonlySet<string> = new Set(['Find project by slug', 'Find by secret path']);

/** 401 and 403 of a token that is unknown, expired, revoked, used up, or from an address that is not trusted. */
const tokenErrors: ReadonlySet<string> = new Set(['TokenError', 'UnauthorizedError', 'Unauthorized access']);

/** What the JWT library says of a token that does not verify. Anchored: a provider's words may contain these. */
const jwtFailure =
  /^(?:jwt (?:expired|malformed|not active|signature is required)|invalid (?:signature|token|algorithm))$/;

function isDeadToken({ status, error, message }: Answer): boolean {
  if (status === 401) return error !== 'PermissionDenied';
  if (status === 403) return error !== undefined && tokenErrors.has(error);
  return status === 500 && message !== undefined && jwtFailure.test(message);
}

/** A refusal that was raised before anything was done. */
function refused(asked: AskedOfLeases, answer: Answer): Verdict {
  const { status, error } = answer;
  if (status >= 500)
    return { fault: fault('TargetNotFound', asked.target), fate: 'refused', status, notFound: 'target' };
  if ((status === 401 || status === 403) && error !== 'ValidationFailure') {
    const details = { ...asked.target, request: words[asked.kind] };
    return { fault: fault('PermissionDenied', details), fate: 'refused', status };
  }
  return telling(asked, answer) ?? plain(asked, status, error);
}

function plain(asked: AskedOfLeases, status: number, error: string | undefined): Verdict {
  if (status === 404 && error === 'NotFound') {
    // Of a lease's own id only the wording tells whether it or its folder is missing.
    const certain = asked.kind === 'create' || asked.kind === 'list';
    const verdict = { fault: fault('TargetNotFound', asked.target), fate: 'refused', status } as const;
    return certain ? { ...verdict, notFound: 'target' } : verdict;
  }
  return { fault: requestRefused(asked, status), fate: 'refused', status };
}

function requestRefused(asked: AskedOfLeases, status: number): Fault {
  return fault('RequestRefused', { ...asked.target, status, request: words[asked.kind] });
}

/** The more telling code of a message that is known. */
function telling(asked: AskedOfLeases, { status, message }: Answer): Verdict | undefined {
  const known = knownMessage(status, message);
  if (known === undefined) return undefined;
  const verdict = { fault: tellingFault(asked, known.code, status), fate: 'refused', status } as const;
  return known.notFound === undefined ? verdict : { ...verdict, notFound: known.notFound };
}

function tellingFault(asked: AskedOfLeases, code: KnownMessage['code'], status: number): Fault {
  switch (code) {
    case 'RequestRefused':
      return requestRefused(asked, status);
    case 'TTLTooLong':
      // Without a ttl of our own it is the dynamic secret's default that is too long.
      return asked.kind === 'create' && asked.ttl !== undefined
        ? fault(code, { ...asked.target, ttl: asked.ttl })
        : requestRefused(asked, status);
    case 'PlanRestricted':
      return fault(code, { host: asked.host });
    case 'TargetNotFound':
    case 'LeaseLimitReached':
      return fault(code, asked.target);
  }
}

/** Logging in and asking the time: no token, no target. */
function withoutToken(asked: Asked, status: number): Verdict {
  const refusal4xx = status >= 400 && status < 500 && status !== 408;
  return asked.kind === 'login' && refusal4xx
    ? { fault: loginRefused(asked, status), fate: 'refused', status }
    : beyond(asked, status);
}

function loginRefused({ host, method }: Extract<Asked, { kind: 'login' }>, status: number): Fault {
  return fault('LoginRefused', { host, status, method });
}

/** Neither success nor refusal: nobody knows what was done. */
function beyond(asked: Asked, status: number): Verdict {
  if (status >= 500 || status === 408) return failed(asked, status);
  return unexpected(asked, status, status >= 300 && status < 400 ? 'a redirect' : 'a refusal');
}

function failed(asked: Asked, status: number): Verdict {
  const details = { host: asked.host, status, request: words[asked.kind] };
  return { fault: fault('ServerFailed', details), fate: 'unknown', status };
}

function unexpected(asked: Asked, status: number, problem: string): Verdict {
  return { fault: fault('UnexpectedAnswer', { host: asked.host, status, problem }), fate: 'unknown', status };
}

/** A limit is checked before the work: nothing was done, not even by a create. */
function limited(asked: Asked, headers: AnswerHeaders): Verdict {
  return {
    fault: fault('RateLimited', { host: asked.host }, retryAfter(headers)),
    fate: 'refused',
    status: 429,
  };
}

/** `Retry-After` in milliseconds: whole seconds, or an instant counted from the answer's own `Date`. */
export function retryAfter(headers: AnswerHeaders): number | undefined {
  const text = headers.retryAfter?.trim();
  if (text === undefined || text === '') return undefined;
  const wait = /^\d+$/.test(text)
    ? Number(text) * 1000
    : difference(parseInstant(text), parseInstant(headers.date));
  return wait === undefined ? undefined : Math.min(Math.max(wait, 0), LONGEST_RETRY_AFTER);
}

function difference(later: number | undefined, earlier: number | undefined): number | undefined {
  return later === undefined || earlier === undefined ? undefined : later - earlier;
}
