import { LONGEST_TIMER, type Clock, type Timer } from '../../src/clock.ts';

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export interface VirtualClock extends Clock {
  /** Moves time on by `ms` and runs the timers that become due, in the order of their times, each at its own time. */
  advance(ms: number): void;
  /** As `advance`, and lets promises and sockets proceed before, between and after the timers. */
  run(ms: number): Promise<void>;
  /** How many timers are set. */
  readonly timers: number;
}

/** What a virtual clock starts from. */
export interface VirtualClockOptions {
  /** Milliseconds since 1970 at the start. Default: 2026-01-01T00:00:00Z. */
  readonly wall?: number;
  /** What `random` returns in turn, again and again. Default: 0.5. */
  readonly random?: readonly number[];
}

/** Where virtual wall clocks start, in milliseconds since 1970. */
export const NEW_YEAR_2026 = 1_767_225_600_000;

/** Makes a {@link VirtualClock}. Its UUIDs count up: 00000000-0000-4000-8000-000000000001, …2, … */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const { wall = NEW_YEAR_2026, random = [0.5] } = options;
  const waiting = new Set<Waiting>();
  let now = 0;
  let order = 0;
  let drawn = 0;
  let uuids = 0;

  const next = (until: number): Waiting | undefined => {
    let first: Waiting | undefined;
    for (const timer of waiting) {
      if (timer.at <= until && (first === undefined || before(timer, first))) first = timer;
    }
    return first;
  };
  const fire = (timer: Waiting): void => {
    waiting.delete(timer);
    now = Math.max(now, timer.at);
    timer.callback();
  };

  return {
    elapsed: () => now,
    wall: () => wall + now,
    after(delay, callback): Timer {
      if (Number.isNaN(delay)) throw new RangeError('A timer needs a delay in milliseconds, not NaN.');
      order += 1;
      const timer = { at: now + Math.min(Math.max(delay, 0), LONGEST_TIMER), order, callback };
      waiting.add(timer);
      return { cancel: () => void waiting.delete(timer) };
    },
    random() {
      drawn += 1;
      return random[(drawn - 1) % random.length] ?? 0.5;
    },
    uuid() {
      uuids += 1;
      return `00000000-0000-4000-8000-${String(uuids).padStart(12, '0')}`;
    },
    advance(ms) {
      const until = now + ms;
      for (let timer = next(until); timer !== undefined; timer = next(until)) fire(timer);
      now = until;
    },
    async run(ms) {
      const until = now + ms;
      await settled();
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        fire(timer);
        await settled();
      }
      now = until;
    },
    get timers() {
      return waiting.size;
    },
  };
}

/** Resolves after everything that was ready to proceed has proceeded. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function before(one: Waiting, other: Waiting): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
