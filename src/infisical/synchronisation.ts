import type { Clock } from '../clock.ts';
import type { ServerClock } from '../server-clock.ts';
import type { Timing } from '../timing.ts';
import { misfit, verdictOn } from './faults.ts';
import { RequestError } from './request-error.ts';
import { mendableRead, retrying } from './retry.ts';
import { statusAnswer } from './schemas.ts';
import type { Transport } from './transport.ts';

export interface SynchronisationOptions {
  readonly transport: Transport;
  /** Learns from the `Date` of each answer by itself. */
  readonly time: ServerClock;
  readonly clock: Clock;
  readonly timing: Timing;
}

/**
 * Makes the server's time known: returns at once when it is, else asks GET /api/status, once for however many wait.
 *
 * @throws RequestError
 */
export function synchronisation(options: SynchronisationOptions): () => Promise<void> {
  const { time, clock, timing } = options;
  let underway: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const deadline = clock.elapsed() + timing.apiRequestDeadline;
    try {
      await retrying({ clock, timing, deadline, mendable: mendableRead }, () => askOnce(options, deadline));
    } finally {
      underway = undefined;
    }
  }

  return async () => {
    if (time.now() !== undefined) return;
    underway ??= ask();
    await underway;
  };
}

async function askOnce({ transport, time, clock }: SynchronisationOptions, deadline: number): Promise<void> {
  const asked = { kind: 'status', host: transport.host } as const;
  const sentAt = clock.elapsed();
  const outcome = await transport.request({ method: 'GET', path: '/status', deadline, route: 'status' });
  // Any answer of the API tells the time, a failure too.
  if (time.now() !== undefined) return;
  if (outcome.kind !== 'answered' || outcome.status >= 300) throw new RequestError(verdictOn(asked, outcome));
  // A proxy may have dropped the header; the body says it as well.
  time.note(statusAnswer.safeParse(outcome.body).data?.date, sentAt);
  if (time.now() === undefined) throw new RequestError(misfit(asked, outcome.status));
}
