import type { Timer } from '../../src/clock.ts';
import { heap } from '../../src/controller/heap.ts';
import { settled } from '../support/virtual-clock.ts';

/** The one time line of a simulation: milliseconds since its begin. What happens at one moment happens in the order in which it was set. */
export class SimulatedTime {
  now = 0;
  /** Requests served, events delivered and timers fired so far. */
  steps = 0;
  readonly #due = heap();
  readonly #acts = new Map<string, { readonly act: () => void; readonly counts: boolean }>();
  #ids = 0;

  /** @param counts whether it is a step; an answer that arrives is part of its request. */
  at(moment: number, act: () => void, counts = true): Timer {
    this.#ids += 1;
    const id = String(this.#ids);
    this.#acts.set(id, { act, counts });
    this.#due.set(id, Math.max(moment, this.now));
    return {
      cancel: () => {
        this.#due.delete(id);
        this.#acts.delete(id);
      },
    };
  }

  after(delay: number, act: () => void, counts = true): Timer {
    return this.at(this.now + delay, act, counts);
  }

  /**
   * Lets things happen until a moment. After each, all promises proceed as far as they can.
   *
   * @param afterEach looks at the result; what it throws ends the run.
   */
  async run(until: number, afterEach: () => void): Promise<void> {
    for (let first = this.#due.first(); first !== undefined && first.at <= until; first = this.#due.first()) {
      const entry = this.#acts.get(first.key);
      this.#due.delete(first.key);
      this.#acts.delete(first.key);
      this.now = first.at;
      if (entry === undefined) continue;
      if (entry.counts) this.steps += 1;
      entry.act();
      await settled();
      afterEach();
    }
    this.now = until;
  }
}
