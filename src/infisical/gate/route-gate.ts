import type { Clock, Timer } from '../../clock.ts';
import { type Fault, fault } from '../../errors.ts';
import type { Metrics } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { Outcome } from '../exchange.ts';
import type { Route } from '../transport.ts';
import { allowanceAt, learn, nextTurn, type Allowance } from './allowance.ts';
import { turns } from './turns.ts';

/** Undefined: it may be sent. */
export type Admission = Fault | undefined;

/** Before the first answer has told whether there is a limit, so many requests may be under way, for so many milliseconds. */
const FIRST_REQUESTS = 4;
const FIRST_WAIT = 2000;

interface Waiting {
  readonly since: number;
  readonly patience: Timer;
  readonly settle: (admission: Admission) => void;
}

export interface RouteGateOptions {
  readonly host: string;
  readonly route: Route;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'turnPatience'>;
  readonly metrics: Pick<Metrics, 'turnsAwaited' | 'throttled' | 'heldBack'>;
  /** Told by how much the number of waiting requests changes. */
  readonly onWaiting: (route: Route, change: number) => void;
}

/** The requests of one route to one server, of all its connections: as many as the server allows. */
export interface RouteGate<Party> {
  /** Resolves when the request may be sent, or with the reason why it may not. */
  enter(party: Party, neededBy: number): Promise<Admission>;
  /** A request that was let in is over. @param sentAt elapsed milliseconds. */
  left(outcome: Outcome, sentAt: number): void;
  /** Refuses those that wait, of one party or of all. */
  refuse(why: Fault, party?: Party): void;
}

export function routeGate<Party>(options: RouteGateOptions): RouteGate<Party> {
  const { host, route, clock, timing, metrics, onWaiting } = options;
  const waiting = turns<Party, Waiting>();
  let known: Allowance | undefined;
  let inFlight = 0;
  let lastAt = 0;
  let timer: Timer | undefined;

  /** Until when the first answer is waited for, in elapsed milliseconds; undefined before the first request. */
  let learningUntil: number | undefined;

  /** When the next request may be sent, in elapsed milliseconds. */
  const turn = (): number => {
    known = allowanceAt(known, clock.elapsed());
    if (known !== undefined) return nextTurn(known, { inFlight, lastAt });
    return inFlight < FIRST_REQUESTS ? 0 : (learningUntil ?? 0);
  };

  const admit = (): void => {
    inFlight += 1;
    lastAt = clock.elapsed();
    learningUntil ??= lastAt + FIRST_WAIT;
  };

  /** Lets in whose turn has come, and looks again at the next one's time. */
  const proceed = (): void => {
    timer?.cancel();
    timer = undefined;
    while (waiting.size > 0) {
      const at = turn();
      const wait = at - clock.elapsed();
      if (wait > 0) {
        // Without an end, an answer will tell.
        if (at !== Infinity) timer = clock.after(Math.ceil(wait), proceed);
        return;
      }
      const next = waiting.next();
      if (next !== undefined) {
        admit();
        end(next, undefined);
      }
    }
  };

  const end = ({ since, patience, settle }: Waiting, admission: Admission): void => {
    patience.cancel();
    onWaiting(route, -1);
    metrics.throttled(route, (clock.elapsed() - since) / 1000);
    settle(admission);
  };

  const giveUp = (party: Party, one: Waiting): void => {
    waiting.remove(party, one);
    metrics.heldBack('limit');
    const wait = turn() - clock.elapsed();
    end(one, fault('RateLimited', { host }, wait > 0 && wait < Infinity ? wait : undefined));
  };

  return {
    async enter(party, neededBy) {
      if (waiting.size === 0 && turn() <= clock.elapsed()) {
        admit();
        return undefined;
      }
      const { promise, resolve } = Promise.withResolvers<Admission>();
      const patience = clock.after(timing.turnPatience, () => giveUp(party, one));
      const one: Waiting = { since: clock.elapsed(), patience, settle: resolve };
      onWaiting(route, 1);
      waiting.add(party, one, neededBy);
      proceed();
      return promise;
    },
    left(outcome, sentAt) {
      inFlight -= 1;
      learningUntil = 0;
      known = learn(known, outcome, { sentAt, now: clock.elapsed() });
      proceed();
    },
    refuse(why, party) {
      for (const one of waiting.clear(party)) end(one, why);
      proceed();
    },
  };
}
