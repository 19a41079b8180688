import type { Unaccounted } from '../api/dynamic-secret-lease.ts';
import { fault, type Fault } from '../errors.ts';
import { formatInstant, parseInstant } from '../instant.ts';
import type { DecisionInput } from './input.ts';

/**
 * A server's time is known to a second, and what is thought of it may still be put right by as much. The next request
 * waits for that long, so that the status that follows it no longer counts what is over. Milliseconds.
 */
const CLOCK_RESOLUTION = 1000;

/** The most requests of an object whose fate may be unknown for good. */
export const MOST_UNACCOUNTED = 2;

/**
 * Requests of an object whose fate cannot be found out, as long as one of the leases that they may have made can still
 * live. What this process remembers has the status in it.
 */
export function unaccountedOf(input: DecisionInput): Unaccounted | undefined {
  const counted = input.memory.unaccounted ?? input.object?.status.unaccounted;
  const until = parseInstant(counted?.until);
  return until !== undefined && until > serverNow(input) ? counted : undefined;
}

/**
 * One request more.
 *
 * @param earlier what is counted already.
 * @param sentAt when it was sent, and `until` when what it may have made has ended: milliseconds since 1970 by the server.
 */
export function unaccountedMore(
  earlier: Unaccounted | undefined,
  sentAt: number,
  until: number,
): Unaccounted {
  const last = Math.max(until, parseInstant(earlier?.until) ?? 0);
  return {
    count: (earlier?.count ?? 0) + 1,
    lastAt: formatInstant(sentAt),
    // Never earlier than it is: a second more.
    until: formatInstant(last + 999),
  };
}

/**
 * A request that a process before this one may have sent, or not. However many of them are suspected, they count as one:
 * a suspicion alone never holds back a rotation until the present lease has ended.
 *
 * @param earlier as for {@link unaccountedMore}, and so are the others.
 */
export function unaccountedPerhaps(
  earlier: Unaccounted | undefined,
  sentAt: number,
  until: number,
): Unaccounted {
  return { ...unaccountedMore(earlier, sentAt, until), count: Math.max(earlier?.count ?? 0, 1) };
}

/** Whether, and for how many milliseconds, another request must wait for those whose fate cannot be found out. */
export function leaseHeldBack(
  input: DecisionInput,
): { readonly fault: Fault; readonly again: number } | undefined {
  const { object, timing, target } = input;
  const counted = input.memory.unaccounted ?? object?.status.unaccounted;
  if (counted === undefined || target.state === 'refused') return undefined;
  const [lastAt, until] = [parseInstant(counted.lastAt) ?? 0, parseInstant(counted.until) ?? 0];
  const over = until + CLOCK_RESOLUTION;
  const moment = counted.count >= MOST_UNACCOUNTED ? over : Math.min(lastAt + timing.settleAfter, until);
  const again = moment - serverNow(input);
  return again <= 0 ? undefined : { fault: fault('Unaccounted', target.wanted.target), again };
}

function serverNow({ now }: DecisionInput): number {
  return now.lease ?? now.kube;
}
