import type { Dispatcher } from 'undici';

import type { Clock, Timer } from '../clock.ts';
import type { Fault } from '../errors.ts';
import { causeOf, type FailureCause, outOfTime } from './failure.ts';

/** Why an answer that began could not be used. */
export type Unreadable = 'not marked as JSON' | 'not valid JSON' | 'too large';

/** What `Date`, `Retry-After` and the headers of a rate limit said; no other header leaves the transport. */
export interface AnswerHeaders {
  readonly date?: string | undefined;
  readonly retryAfter?: string | undefined;
  /** `x-ratelimit-limit`, `-remaining` and `-reset`, as they came. */
  readonly rateLimit?: RateLimitHeaders | undefined;
}

/** How many requests a window allows and has left, and the seconds until its end. */
export interface RateLimitHeaders {
  readonly limit: string | undefined;
  readonly remaining: string | undefined;
  readonly reset: string | undefined;
}

/** What became of one request. */
export type Outcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly body: unknown;
      readonly headers: AnswerHeaders;
    }
  | {
      readonly kind: 'unreadable';
      readonly status: number;
      readonly problem: Unreadable;
      readonly headers: AnswerHeaders;
    }
  /** `sent` false: surely no byte of it reached the server. True: nobody knows what the server did. */
  | { readonly kind: 'failed'; readonly sent: boolean; readonly cause: FailureCause }
  /** The gate did not let it pass: surely nothing was sent. */
  | { readonly kind: 'heldBack'; readonly fault: Fault };

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ExchangeLimits {
  readonly clock: Clock;
  /** Elapsed time by which the whole answer must be there. */
  readonly deadline: number;
  /** The largest body, in bytes. */
  readonly maxBytes: number;
  /** Told once, when the head of an answer in JSON has come. */
  readonly onDate: (date: string | undefined, sentAt: number) => void;
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/**
 * One request and its answer, as undici tells them. undici calls `onRequestStart` on a ready connection, before it
 * writes the first byte: that is how *sent* is known, also for a request that waits for a connection when its
 * deadline passes.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<Outcome>;
  readonly #limits: ExchangeLimits;
  readonly #deadline: Timer;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #chunks: Buffer[] = [];
  #settled = false;
  #size = 0;
  #sentAt: number | undefined;
  #status = 0;
  #headers: AnswerHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;

  constructor(limits: ExchangeLimits) {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#limits = limits;
    this.#deadline = limits.clock.after(limits.deadline - limits.clock.elapsed(), () =>
      this.#fail(outOfTime),
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) {
      controller.abort(new Error('The deadline passed before a connection was free.'));
      return;
    }
    this.#controller = controller;
    this.#sentAt = this.#limits.clock.elapsed();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headersOf(headers);
    if (!JSON_TYPE.test(first(headers['content-type']) ?? '')) {
      this.#refuse('not marked as JSON');
      return;
    }
    this.#limits.onDate(this.#headers.date, this.#sentAt ?? this.#limits.clock.elapsed());
    if (Number(first(headers['content-length']) ?? 0) > this.#limits.maxBytes) this.#refuse('too large');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#limits.maxBytes) this.#refuse('too large');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const body = parse(this.#chunks);
    if (body === undefined) this.#refuse('not valid JSON');
    else this.#settle({ kind: 'answered', status: this.#status, body: body.value, headers: this.#headers });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // What is no argument is told before anything is sent; afterwards it is how undici says that a proxy answered 407.
    const isProxy = this.#sentAt !== undefined && 'code' in error && error.code === 'UND_ERR_INVALID_ARG';
    this.#fail(isProxy ? { kind: 'proxyRefused', words: 'it asks for a login', own: true } : causeOf(error));
  }

  /** For what undici throws instead of telling. */
  failed(error: unknown): void {
    this.#fail(causeOf(error));
  }

  #fail(cause: FailureCause): void {
    const certain = cause.kind === 'fault' || cause.kind === 'proxyRefused';
    this.#settle({ kind: 'failed', sent: this.#sentAt !== undefined && !certain, cause });
  }

  #refuse(problem: Unreadable): void {
    this.#settle({ kind: 'unreadable', status: this.#status, problem, headers: this.#headers });
  }

  #settle(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadline.cancel();
    this.#resolve(outcome);
    // Whatever is still to come on this connection is of no use. After a whole answer this does nothing.
    if (outcome.kind !== 'answered') this.#controller?.abort(new Error('The exchange is over.'));
  }
}

function parse(chunks: readonly Buffer[]): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder().decode(Buffer.concat(chunks))) };
  } catch {
    // The parser's message quotes the body.
    return undefined;
  }
}

function headersOf(headers: Headers): AnswerHeaders {
  const said = (name: string): string | undefined => first(headers[`x-ratelimit-${name}`]);
  return {
    date: freshDate(headers),
    retryAfter: first(headers['retry-after']),
    ...(said('limit') === undefined
      ? {}
      : { rateLimit: { limit: said('limit'), remaining: said('remaining'), reset: said('reset') } }),
  };
}

/** The `Date`, unless a cache in between says that the answer is an old one. */
function freshDate(headers: Headers): string | undefined {
  return Number(first(headers['age']) ?? 0) > 0 ? undefined : first(headers['date']);
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
