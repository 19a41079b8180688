import pRetry from 'p-retry';

import { type Clock, sleep } from '../clock.ts';
import type { FaultCode } from '../errors.ts';
import type { Timing } from '../timing.ts';
import { RequestError } from './request-error.ts';

/** Tries after the first. */
const FURTHER_TRIES = 2;

export interface RetryOptions {
  readonly clock: Clock;
  readonly timing: Timing;
  /** Elapsed time after which no other try begins. */
  readonly deadline: number;
  /** What another try may mend. */
  readonly mendable: (error: RequestError) => boolean;
}

/** Faults of the way to the server, or of the server itself. */
const ofTheWay: ReadonlySet<FaultCode> = new Set(['ServerUnreachable', 'NoAnswer', 'ServerFailed']);

/** For reads: they change nothing, so a doubtful fate does not matter. */
export function mendableRead(error: RequestError): boolean {
  return ofTheWay.has(error.fault.code);
}

/** For logins: only what surely never reached the server, since a login may count against a limit of uses. */
export function mendableLogin(error: RequestError): boolean {
  return error.fault.code === 'ServerUnreachable' && error.fate === 'refused';
}

/** Tries again at most twice, after waits with full jitter, and never past the deadline. */
export function retrying<Result>(options: RetryOptions, attempt: () => Promise<Result>): Promise<Result> {
  const { clock, timing, deadline, mendable } = options;
  return pRetry(attempt, {
    retries: FURTHER_TRIES,
    // The waits are this file's own, by the clock.
    minTimeout: 0,
    maxTimeout: 0,
    async shouldRetry({ error, attemptNumber }) {
      if (!(error instanceof RequestError && mendable(error))) return false;
      const wait = clock.random() * timing.backoffBase * 2 ** (attemptNumber - 1);
      if (clock.elapsed() + wait >= deadline) return false;
      await sleep(clock, wait);
      return true;
    },
  });
}
