import type { Timing } from '../../timing.ts';
import type { Health } from './health.ts';

/**
 * The circuit breaker of one server. Closed: requests pass. Open: none does, until the server has answered a probe.
 *
 * Failures of requests only raise the question whether the server answers at all; a probe decides it. A probe is the
 * request for the server's state, which needs no login, works without a database of a tenant's, and is free of limits. So
 * no tenant whose own requests hang can close the way for others.
 */
export type Circuit =
  | { readonly state: 'closed'; readonly failures: number; readonly probing: boolean }
  | {
      readonly state: 'open';
      /** Probes that failed in a row. */
      readonly tries: number;
      /** When the next one is due, in elapsed milliseconds. */
      readonly probeAt: number;
      readonly probing: boolean;
      /** What the first one met. */
      readonly cause: string;
    };

export const closed: Circuit = { state: 'closed', failures: 0, probing: false };

/** So many failures in a row raise the question. */
const DOUBTFUL = 5;

/**
 * After one exchange.
 *
 * @param decisive it was a request for the server's state: one failure is enough.
 * @returns the circuit; `probing` is newly true where a probe is to be sent now.
 */
export function afterExchange(circuit: Circuit, { way }: Health, decisive: boolean): Circuit {
  // What was sent before it opened is no answer to the probe.
  if (circuit.state === 'open' || way === 'unknown') return circuit;
  if (way === 'up') return { ...circuit, failures: 0 };
  const failures = circuit.failures + (decisive ? DOUBTFUL : 1);
  return { ...circuit, failures, probing: circuit.probing || failures >= DOUBTFUL };
}

/** When a probe is due: half-open. A closed circuit stays as it is. */
export function beginProbe(circuit: Circuit): Circuit {
  return circuit.state === 'closed' ? circuit : { ...circuit, probing: true };
}

/** When a probe has been answered, or has not. @param random a number of [0, 1). */
export function afterProbe(
  circuit: Circuit,
  health: Health,
  { now, random, timing }: { now: number; random: number; timing: Pick<Timing, 'probeBase' | 'probeCap'> },
): Circuit {
  if (health.way !== 'down') return closed;
  const before = circuit.state === 'open' ? circuit : { tries: 0, cause: health.cause };
  const tries = before.tries + 1;
  const longest = Math.min(timing.probeCap, timing.probeBase * 2 ** Math.min(tries - 1, 30));
  // Between half and all of it: jitter, and never at once.
  const wait = (longest * (1 + random)) / 2;
  return { state: 'open', tries, probeAt: now + wait, probing: false, cause: before.cause };
}
