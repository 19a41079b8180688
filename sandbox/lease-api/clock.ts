/** The longest delay that a timer of Node.js takes; a longer one would fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

export interface ClockSetting {
  /** Milliseconds that the server's clock is ahead of this machine's (negative: behind). */
  readonly offsetMs?: number;
  /** How many milliseconds pass on the server's clock in one real millisecond. */
  readonly scale?: number;
}

interface Alarm {
  readonly at: number;
  readonly run: () => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The only source of time in the server. It can be ahead, behind, faster or slower than the machine's clock, and be
 * changed while the server runs: alarms keep to their instant on this clock.
 */
export class Clock {
  #realStart = Date.now();
  #start: number;
  #scale: number;
  readonly #alarms = new Set<Alarm>();
  readonly #sleepers = new Map<NodeJS.Timeout, () => void>();
  #stopped = false;

  constructor({ offsetMs = 0, scale = 1 }: ClockSetting = {}) {
    this.#start = this.#realStart + offsetMs;
    this.#scale = scale;
  }

  /** The server's time, in whole milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#start + (Date.now() - this.#realStart) * this.#scale);
  }

  /** The machine's time at an instant of this clock: what another program's clock shows then. */
  real(instant: number): number {
    return Math.round(this.#realStart + (instant - this.#start) / this.#scale);
  }

  /** Changes the clock from now on. A setting that is not named stays; `offsetMs` counts from the machine's time. */
  set({ offsetMs, scale }: ClockSetting): void {
    const now = this.now();
    this.#realStart = Date.now();
    this.#start = offsetMs === undefined ? now : this.#realStart + offsetMs;
    this.#scale = scale ?? this.#scale;
    for (const alarm of this.#alarms) this.#arm(alarm);
  }

  /** Jumps forward; every alarm passed by the jump runs. */
  advance(milliseconds: number): void {
    this.#start += milliseconds;
    for (const alarm of this.#alarms) this.#arm(alarm);
  }

  /**
   * Runs a function at an instant of this clock, or soon if it has passed. Instants that are not numbers never come.
   *
   * @returns a function that calls it off.
   */
  alarm(at: number, run: () => void): () => void {
    const alarm: Alarm = { at, run, timer: undefined };
    this.#alarms.add(alarm);
    this.#arm(alarm);
    return () => {
      clearTimeout(alarm.timer);
      this.#alarms.delete(alarm);
    };
  }

  /** Waits for real milliseconds, whatever the scale; ends early when the clock stops. */
  async sleep(realMilliseconds: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(
        () => {
          this.#sleepers.delete(timer);
          resolve();
        },
        Math.min(realMilliseconds, LONGEST_DELAY),
      );
      this.#sleepers.set(timer, resolve);
    });
  }

  /** Calls off every alarm and ends every wait. */
  stop(): void {
    this.#stopped = true;
    for (const alarm of this.#alarms) clearTimeout(alarm.timer);
    this.#alarms.clear();
    for (const [timer, resolve] of this.#sleepers) {
      clearTimeout(timer);
      resolve();
    }
    this.#sleepers.clear();
  }

  #arm(alarm: Alarm): void {
    clearTimeout(alarm.timer);
    if (this.#stopped || Number.isNaN(alarm.at)) return;
    const delay = Math.max(0, Math.ceil((alarm.at - this.now()) / this.#scale));
    alarm.timer = setTimeout(
      () => {
        this.#ring(alarm);
      },
      Math.min(delay, LONGEST_DELAY),
    );
    alarm.timer.unref();
  }

  #ring(alarm: Alarm): void {
    // A timer may fire a little early, and a long wait comes in several parts.
    if (this.now() < alarm.at) {
      this.#arm(alarm);
      return;
    }
    this.#alarms.delete(alarm);
    alarm.run();
  }
}

/** An instant as the API prints it: ISO 8601 in UTC with milliseconds. */
export function printed(instant: number): string {
  return new Date(instant).toISOString();
}
