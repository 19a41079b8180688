/** What happened, for who has to understand a violation. */
export class Trace {
  readonly #lines: string[] = [];
  readonly #all: boolean;
  readonly #now: () => number;

  /** @param all keep everything; otherwise only the last lines. */
  constructor(now: () => number, all: boolean) {
    this.#now = now;
    this.#all = all;
  }

  note(who: string, what: string): void {
    this.#lines.push(`${(this.#now() / 1000).toFixed(3).padStart(10)}  ${who.padEnd(8)} ${what}`);
    if (!this.#all && this.#lines.length > 2 * KEPT) this.#lines.splice(0, KEPT);
  }

  get lines(): readonly string[] {
    return this.#all ? this.#lines : this.#lines.slice(-KEPT);
  }
}

/** Lines that are kept when not all are. */
const KEPT = 80;
