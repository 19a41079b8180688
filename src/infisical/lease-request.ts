import type { IssuedLease, LeaseTag, Target } from '../api/lease.ts';
import { TAG_KEY } from '../api/names.ts';
import { type Clock, sleep } from '../clock.ts';
import type { AuthorisedCall } from './authorised-call.ts';
import { RequestError } from './request-error.ts';
import { issuedLease } from './schemas.ts';
import { echoed, type TagSupportTable } from './tag-support.ts';

/** A request for a lease. */
export interface LeaseRequest {
  readonly target: Target;
  /** As `spec.ttl`; the dynamic secret's own default without it. */
  readonly ttl?: string | undefined;
  /** As `spec.config`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly tag: LeaseTag;
  /** Elapsed milliseconds by which it is needed: where a server limits the rate, the earlier goes first. Default: last. */
  readonly neededBy?: number | undefined;
  /** Called right before each time that the request is sent, after any login or wait; what it throws ends it. */
  readonly beforeSending?: (() => void) | undefined;
}

export interface LeaseRequestContext {
  readonly host: string;
  readonly call: AuthorisedCall;
  readonly clock: Clock;
  readonly tags: TagSupportTable;
  /** Elapsed time by which the answer must be there. */
  readonly deadline: number;
}

/** A 429 is waited out for at most this long, in milliseconds, and at most this often. */
const SHORT_WAIT = 2000;
const SHORT_WAITS = 2;

/** Asks for a lease with its tag, or without where the dynamic secret refuses it. See `LeaseClient.createLease`. */
export async function requestLease(
  context: LeaseRequestContext,
  request: LeaseRequest,
): Promise<IssuedLease> {
  const { tags } = context;
  const { target, tag } = request;
  const support = tags.of(target);
  if (support === 'refused') return post(context, request, { tagged: false });
  const used: { token?: string } = {};
  try {
    const issued = await post(context, request, { tagged: true, onToken: (token) => (used.token = token) });
    tags.learn(target, echoed(tag, issued.lease.tag) ? 'kept' : 'dropped');
    return issued;
  } catch (error) {
    if (support !== 'unknown' || !mayRefuseTag(error)) throw error;
    const first = used.token;
    const issued = await post(context, request, { tagged: false, onToken: (token) => (used.token = token) });
    // With another token the first refusal may have been for the token's sake: some servers say 400 to a used-up one.
    if (used.token === first) tags.learn(target, 'refused');
    return issued;
  }
}

/** A bad request, or a body that failed its validation: 422, in servers of 2024 a 403. */
function mayRefuseTag(error: unknown): boolean {
  if (!(error instanceof RequestError)) return false;
  const { status, fault } = error;
  return status === 400 || status === 422 || (status === 403 && fault.code === 'RequestRefused');
}

interface PostOptions {
  readonly tagged: boolean;
  readonly onToken?: (token: string) => void;
}

async function post(
  context: LeaseRequestContext,
  request: LeaseRequest,
  options: PostOptions,
): Promise<IssuedLease> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await postOnce(context, request, options);
    } catch (error) {
      const wait = waits < SHORT_WAITS ? shortWait(context, error) : undefined;
      if (wait === undefined) throw error;
      await sleep(context.clock, wait);
    }
  }
}

/** A limit is checked before any work, so the same create may follow. */
function shortWait({ clock, deadline }: LeaseRequestContext, error: unknown): number | undefined {
  if (!(error instanceof RequestError) || error.fault.code !== 'RateLimited' || error.status !== 429)
    return undefined;
  const wait = error.fault.retryAfter;
  return wait !== undefined && wait <= SHORT_WAIT && clock.elapsed() + wait < deadline ? wait : undefined;
}

async function postOnce(
  { host, call, deadline }: LeaseRequestContext,
  { target, ttl, config, tag, neededBy, beforeSending }: LeaseRequest,
  { tagged, onToken }: PostOptions,
): Promise<IssuedLease> {
  const sent = tagged ? { ...config, [TAG_KEY]: tag } : config;
  const body = {
    dynamicSecretName: target.dynamicSecret,
    projectSlug: target.projectSlug,
    environmentSlug: target.environmentSlug,
    path: target.path,
    // Absent, never empty: servers of 2024 fail on an empty one.
    ...(ttl === undefined ? {} : { ttl }),
    ...(sent === undefined ? {} : { config: sent }),
  };
  try {
    return await call({
      asked: { kind: 'create', host, target, ttl },
      request: {
        method: 'POST',
        path: '/v1/dynamic-secrets/leases',
        body,
        deadline,
        neededBy,
        route: 'create-lease',
      },
      answer: issuedLease,
      onToken: (token) => {
        beforeSending?.();
        onToken?.(token);
      },
    });
  } catch (error) {
    throw error instanceof RequestError ? error.ofTagged(tagged) : error;
  }
}
