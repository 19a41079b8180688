import type { Clock } from '../../src/clock.ts';
import type { ObjectWatch } from '../../src/kube/object-watch.ts';
import type { OpenStream } from '../../src/reconcile/references/reference-watches.ts';
import { type ApiEvent, keyOf } from '../unit/reconcile/support/api-server.ts';
import type { Random } from './random.ts';
import type { SimulatedTime } from './time.ts';

export interface ReferenceParts {
  readonly time: SimulatedTime;
  readonly random: Random;
  readonly clock: Clock;
  /** Runs something in the process. */
  readonly within: (act: () => void) => void;
  /** Until when its watches stand still, in simulated milliseconds. */
  readonly frozenUntil: () => number;
  /** How badly events fare: 0 to 1. */
  readonly lateness: number;
}

interface Stream {
  readonly key: string;
  readonly tell: () => void;
  /** Simulated milliseconds. */
  readonly sees: number;
}

/** One process' watches of single Secrets by their names. */
export class ReferenceStreams {
  readonly #parts: ReferenceParts;
  readonly #streams = new Set<Stream>();

  constructor(parts: ReferenceParts) {
    this.#parts = parts;
  }

  readonly open: OpenStream = ({ namespace, name }, { onChange }): ObjectWatch => {
    const { time, random, clock, frozenUntil } = this.#parts;
    const delay = random.between(5, 2000);
    const sightedAt = clock.elapsed() + delay;
    const stream = { key: `${namespace}/${name}`, tell: onChange, sees: time.now + delay };
    this.#streams.add(stream);
    return {
      get sightedAt() {
        return clock.elapsed() < sightedAt ? undefined : sightedAt;
      },
      get isBroken() {
        return frozenUntil() > time.now;
      },
      close: () => {
        this.#streams.delete(stream);
        return Promise.resolve();
      },
    };
  };

  hear({ kind, type, object }: ApiEvent): void {
    if (kind !== 'secrets' || type !== 'written') return;
    const { time, random, lateness, frozenUntil, within } = this.#parts;
    for (const stream of this.#streams) {
      if (stream.key !== keyOf(object) || time.now < stream.sees) continue;
      const late = random.chance(lateness) ? random.between(0, 20_000) * lateness : random.between(0, 60);
      time.at(Math.max(time.now + late, frozenUntil()), () =>
        within(() => {
          if (this.#streams.has(stream)) stream.tell();
        }),
      );
    }
  }
}
