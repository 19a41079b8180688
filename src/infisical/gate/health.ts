import type { Outcome } from '../exchange.ts';

/**
 * What an exchange tells of the way to its server.
 *
 * `up`: somebody there answered, whatever it said. `down`: nobody did, or a gateway in its place. `unknown`: it was not
 * asked, or could not be for a reason of the connection's own.
 */
export type Health =
  | { readonly way: 'up' | 'unknown' }
  /** `cause`: a few words for the fault's sentence. */
  | { readonly way: 'down'; readonly cause: string };

/** What proxies and load balancers say when the server behind them does not answer. */
const gatewayFailures: ReadonlySet<number> = new Set([502, 503, 504]);

export function healthOf(outcome: Outcome): Health {
  switch (outcome.kind) {
    case 'heldBack':
      return { way: 'unknown' };
    case 'failed':
      return healthAfterFailure(outcome);
    case 'answered':
    case 'unreadable':
      return gatewayFailures.has(outcome.status)
        ? { way: 'down', cause: `status ${String(outcome.status)}` }
        : { way: 'up' };
  }
}

/** A certificate that this connection does not trust says nothing to another one, which trusts it. */
function healthAfterFailure({ sent, cause }: Extract<Outcome, { kind: 'failed' }>): Health {
  if (cause.kind !== 'unreachable' || cause.own === true) return { way: 'unknown' };
  return { way: 'down', cause: sent ? 'no answer in time' : cause.words };
}
