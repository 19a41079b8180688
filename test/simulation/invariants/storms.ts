import type { CallName } from '../../unit/reconcile/support/wire.ts';
import { isWrite } from '../wire.ts';
import type { World } from '../world.ts';

/** The most leases of one object within so long; the shortest lives alone make four or five. */
const [MOST, WITHIN] = [20, 120_000];

/** The most writes of one kind within so long, of all objects together, and the most reads. */
const [MOST_WRITES, MOST_READS] = [600, 1000];

/** However things go, no object asks for lease after lease, and nothing is written over and over. */
export class Storms {
  readonly #world: World;
  readonly #counts = new Map<CallName, { readonly since: number; readonly count: number }>();
  #seen = 0;

  constructor(world: World) {
    this.#world = world;
  }

  served(name: CallName): void {
    const { time } = this.#world;
    const before = this.#counts.get(name);
    const goesOn = before !== undefined && time.now < before.since + WITHIN;
    const counted = goesOn ? { ...before, count: before.count + 1 } : { since: time.now, count: 1 };
    this.#counts.set(name, counted);
    if (counted.count > (isWrite(name) ? MOST_WRITES : MOST_READS))
      this.#world.violate('storm', `${String(counted.count)} times "${name}" within two minutes.`);
  }

  check(): void {
    const { leases, time } = this.#world;
    if (leases.made.size === this.#seen) return;
    this.#seen = leases.made.size;
    const recent = [...leases.made.values()]
      .slice(-4 * MOST)
      .filter(({ madeAt }) => madeAt > time.now - WITHIN);
    const asker = recent.at(-1)?.object ?? '';
    const count = recent.filter(({ object }) => object === asker).length;
    if (count > MOST) this.#world.violate('storm', `${String(count)} leases for ${asker} in two minutes.`);
  }
}
