import type { Random } from './random.ts';

export type Side = 'kube' | 'lease';

/** What goes wrong with requests for a while. */
export type FrontKind =
  /** Nothing arrives. */
  | 'outage'
  /** Some requests fail: before or after they are done, with or without an answer. */
  | 'errors'
  /** Answers take seconds, some longer than anybody waits. */
  | 'slow'
  /** 429, with or without a wait. */
  | 'busy'
  /** 403: a quota or a webhook for the writes of Secrets; missing rights for leases. */
  | 'refusing'
  /** The same, but not of dry runs: a policy that looks at what only the real write has. */
  | 'refusing-in-earnest'
  /** The lease API knows the project no more. */
  | 'lost-target'
  /** Revocations are answered with a 200 and fail. */
  | 'stubborn';

interface Front {
  readonly side: Side;
  readonly kind: FrontKind;
  readonly from: number;
  readonly until: number;
  /** Of the requests that it touches. */
  readonly share: number;
}

const kinds: Readonly<Record<Side, readonly [FrontKind, ...FrontKind[]]>> = {
  kube: ['outage', 'errors', 'slow', 'busy', 'refusing', 'refusing-in-earnest'],
  lease: ['outage', 'errors', 'slow', 'busy', 'refusing', 'lost-target', 'stubborn'],
};

const SECOND = 1000;

export interface WeatherOptions {
  /** Fronts an hour, on each side. */
  readonly fronts: number;
  /** Share of requests that fail beside any front. */
  readonly stray: number;
  /** After this moment all is well. */
  readonly until: number;
}

/** The faults of one run, drawn beforehand. */
export class Weather {
  readonly #fronts: readonly Front[];
  readonly #options: WeatherOptions;
  readonly #random: Random;

  constructor(random: Random, options: WeatherOptions) {
    this.#random = random;
    this.#options = options;
    const count = Math.round((options.fronts * options.until) / 3_600_000);
    this.#fronts = (['kube', 'lease'] as const).flatMap((side) =>
      Array.from({ length: count }, () => front(random, side, options.until)),
    );
  }

  /** Whether a kind of trouble strikes a request that is made now. */
  strikes(side: Side, now: number): FrontKind | undefined {
    if (now >= this.#options.until) return undefined;
    for (const one of this.#fronts) {
      if (one.side !== side || now < one.from || now >= one.until) continue;
      if (this.#random.chance(one.share)) return one.kind;
    }
    return this.#random.chance(this.#options.stray) ? 'errors' : undefined;
  }

  /** Whether troubles may still come. */
  isOver(now: number): boolean {
    return now >= this.#options.until;
  }

  /** Whether a kind of trouble strikes a revocation that the server does now. */
  isStubborn(now: number): boolean {
    return this.#fronts.some(({ kind, from, until }) => kind === 'stubborn' && now >= from && now < until);
  }

  /** Whether some front is over either server. */
  isClear(now: number): boolean {
    return this.#fronts.every(({ from, until }) => now < from || now >= until);
  }
}

function front(random: Random, side: Side, end: number): Front {
  const from = random.next() * end;
  const long = random.chance(0.3);
  const length = long ? random.between(60, 900) * SECOND : random.between(1, 60) * SECOND;
  const kind = random.pick(kinds[side]);
  const share = kind === 'outage' || random.chance(0.4) ? 1 : random.between(0.2, 0.9);
  return { side, kind, from, until: Math.min(from + length, end), share };
}
