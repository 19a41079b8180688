import type { World } from '../world.ts';

/** The most leases of one object within so long; the shortest lives alone make four or five. */
const [MOST, WITHIN] = [20, 120_000];

/** However things go, no object asks for lease after lease. */
export class Storms {
  readonly #world: World;
  #seen = 0;

  constructor(world: World) {
    this.#world = world;
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
