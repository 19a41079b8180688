import type { Outcome, RateLimitHeaders } from '../exchange.ts';
import { retryAfter } from '../faults.ts';

/**
 * What a server allows on one route, as its answers tell: it counts requests in fixed windows, of each route and source
 * address apart, for all connections and for whatever else asks from here.
 */
export interface Allowance {
  /** Requests of a window; Infinity where only a refusal told of a limit. */
  readonly limit: number;
  /** How many the window had left after the latest answer. */
  readonly left: number;
  /**
   * When the window is over at the latest, in elapsed milliseconds; undefined where a new one has begun and no answer told
   * its end.
   */
  readonly endsAt: number | undefined;
  /** It is not over before; of a window whose end is not known: when it began. */
  readonly endsAfter: number;
}

/** What was sent on the route. */
export interface Traffic {
  /** Requests without an answer yet: the server may have counted them, or may yet. */
  readonly inFlight: number;
  /** When the last one was sent, in elapsed milliseconds. */
  readonly lastAt: number;
}

/** No Infisical has longer windows. Others put an instant into that header. */
const LONGEST_WINDOW = 3_600_000;

/** The last of a window are spread over what is left of it: whoever comes late must not wait for the next window. */
const PACED_SHARE = 1 / 4;

/** What is known at this time: a window that is over counts as full again. */
export function allowanceAt(known: Allowance | undefined, now: number): Allowance | undefined {
  if (known?.endsAt === undefined || now < known.endsAt) return known;
  const { limit, endsAt } = known;
  return limit === Infinity ? undefined : { limit, left: limit, endsAt: undefined, endsAfter: endsAt };
}

/** When a request was sent and when its answer came, in elapsed milliseconds. */
export interface Exchanged {
  readonly sentAt: number;
  readonly now: number;
}

/** What is known after an answer. One without the headers of a limit changes nothing, unless it is a refusal for it. */
export function learn(known: Allowance | undefined, outcome: Outcome, at: Exchanged): Allowance | undefined {
  const before = allowanceAt(known, at.now);
  if (outcome.kind === 'failed' || outcome.kind === 'heldBack') return before;
  const told = merge(before, allowanceIn(outcome.headers.rateLimit, at));
  const wait = outcome.status === 429 ? retryAfter(outcome.headers) : undefined;
  if (wait === undefined) return told;
  const endsAt = Math.max(told?.endsAt ?? 0, at.now + wait);
  return { limit: told?.limit ?? Infinity, left: 0, endsAt, endsAfter: at.sentAt };
}

/**
 * When the next request may be sent, in elapsed milliseconds; Infinity: not before an answer tells more.
 *
 * Requests without an answer count as sent in this window, so that what the server counts late is never asked for twice.
 */
export function nextTurn({ limit, left, endsAt }: Allowance, { inFlight, lastAt }: Traffic): number {
  const free = left - inFlight;
  if (free <= 0) return endsAt ?? Infinity;
  if (endsAt === undefined || free > limit * PACED_SHARE) return 0;
  return lastAt + (endsAt - lastAt) / (free + 1);
}

/** Answers of one window may come in another order than they were made in: the least that is left counts. */
function merge(before: Allowance | undefined, said: Allowance | undefined): Allowance | undefined {
  if (before === undefined || said?.endsAt === undefined) return said ?? before;
  if (before.endsAt === undefined) return said.endsAfter <= before.endsAfter ? before : said;
  // An answer of the window before that came late.
  if (said.endsAt < before.endsAfter) return before;
  if (said.endsAfter > before.endsAt) return said;
  return {
    limit: said.limit,
    left: Math.min(before.left, said.left),
    endsAt: Math.min(before.endsAt, said.endsAt),
    endsAfter: Math.max(before.endsAfter, said.endsAfter),
  };
}

/** Whole seconds, rounded up, that were counted at some moment between the request and its answer. */
function allowanceIn(
  headers: RateLimitHeaders | undefined,
  { sentAt, now }: Exchanged,
): Allowance | undefined {
  const [limit, left, seconds] = [headers?.limit, headers?.remaining, headers?.reset].map(wholeNumber);
  if (limit === undefined || left === undefined || seconds === undefined) return undefined;
  const reset = seconds * 1000;
  if (limit === 0 || reset > LONGEST_WINDOW) return undefined;
  return { limit, left: Math.min(left, limit), endsAt: now + reset, endsAfter: sentAt + reset - 1000 };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
