import type { ApiServer } from '../../unit/reconcile/support/api-server.ts';
import type { Random } from '../random.ts';
import { namespaces } from '../tenants.ts';
import { actOnPods } from './acts.ts';
import { Fleet } from './fleet.ts';

/** What the part of a world in which it is declared what pods get is made of. */
export interface PodParts {
  /** Drawn apart, so that worlds without it are what they were. */
  readonly random: Random;
  readonly time: { readonly now: number };
  readonly kube: ApiServer;
  readonly busy: number;
  /** A tenant has changed what a Secret says. */
  readonly edited: (secretKey: string) => void;
  /** Makes something happen later. */
  readonly later: (delay: number, act: () => void) => void;
}

/** What tenants act on who say what their pods get. */
export interface PodLand extends Pick<PodParts, 'kube' | 'random' | 'edited' | 'later'> {
  readonly fleet: Fleet;
}

const kinds = ['Deployment', 'StatefulSet'] as const;
const names = ['app', 'worker'] as const;

const [SECOND, MINUTE] = [1000, 60_000];

/** The part of a world in which tenants say what their pods get: shapes, names of Secrets, workloads to restart. */
export class PodWorld {
  readonly fleet: Fleet;
  readonly random: Random;
  /** Acts an hour. */
  readonly acts: number;
  readonly #land: PodLand;

  constructor({ random, time, kube, busy, edited, later }: PodParts) {
    const drawn = random.fork();
    this.acts = drawn.between(10, 60);
    this.random = random.fork();
    this.fleet = new Fleet({
      now: () => time.now,
      later,
      rolloutTime() {
        if (time.now >= busy) return drawn.between(1, 20) * SECOND;
        return drawn.chance(0.1) ? undefined : drawn.between(1 * SECOND, 5 * MINUTE);
      },
    });
    this.#land = { kube, random: random.fork(), edited, later, fleet: this.fleet };
  }

  actOnce(): string | undefined {
    return actOnPods(this.#land);
  }

  /** Every workload is there, and runs. */
  makeAmends(): void {
    for (const namespace of namespaces)
      for (const kind of kinds) for (const name of names) this.fleet.make(kind, namespace, name);
    for (const row of this.fleet.rows.values()) {
      if (row.paused) this.fleet.pause(row, false);
      this.fleet.mend(row);
    }
  }
}
