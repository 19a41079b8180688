import type { Random } from '../simulation/random.ts';
import { HOLD, LEAST_LEAD, LEAST_PAUSE, LONGEST_OUTAGE, LONGEST_SUSPENSION } from './timing.ts';

/** Which of the two operators. */
export type Slot = 0 | 1;

/** What is done to a process or to a way, beside the faults of single requests. */
export type Blow =
  /** SIGKILL, SIGTERM. */
  | { readonly kind: 'kill' | 'term'; readonly slot: Slot }
  /** SIGSTOP of the one that leads, for longer than its lead is respected, then SIGCONT. */
  | { readonly kind: 'suspend'; readonly length: number }
  /** The proxies refuse connections. */
  | { readonly kind: 'kube-outage'; readonly slots: readonly Slot[]; readonly length: number }
  | { readonly kind: 'lease-api-outage'; readonly length: number }
  /** Watches break off, or say nothing any more and stay open. */
  | { readonly kind: 'watches-cut' | 'watches-frozen'; readonly slot: Slot };

/** What tenants, or others at the server, do; `choice` of [0, 1) picks the object. */
export interface Act {
  readonly kind: (typeof ACTS)[number];
  readonly choice: number;
}

export const ACTS = [
  'secret-deleted',
  'secret-edited',
  'retargeted',
  'deleted',
  'revoked-elsewhere',
  'rotation-asked',
] as const;

/** Something that happens, so many milliseconds after what came before it is over. */
export type Scheduled<Happening> = Happening & { readonly pause: number };

const BLOWS = [
  'kill',
  'kill',
  'term',
  'suspend',
  'kube-outage',
  'lease-api-outage',
  'watches-cut',
  'watches-frozen',
] as const satisfies readonly Blow['kind'][];

/** All blows of a run, one after the other, never two at once: in rounds of every kind, each in an order of its own. */
export function* drawBlows(random: Random): Generator<Scheduled<Blow>, never> {
  for (;;) {
    const round = BLOWS.map((kind) => ({ kind, place: random.next() }));
    for (const { kind } of round.toSorted((one, other) => one.place - other.place))
      yield { ...blowOf(kind, random), pause: pauseBefore(kind) * random.between(1, 1.5) };
  }
}

/** The least time in which nothing else happens before a blow. */
function pauseBefore(kind: Blow['kind']): number {
  return ['kill', 'term', 'suspend', 'kube-outage'].includes(kind) ? LEAST_LEAD : LEAST_PAUSE;
}

function blowOf(kind: Blow['kind'], random: Random): Blow {
  const slot = random.pick([0, 1] as const);
  const length = random.between(LONGEST_OUTAGE / 10, LONGEST_OUTAGE);
  switch (kind) {
    case 'suspend':
      return { kind, length: random.between(HOLD, LONGEST_SUSPENSION) };
    case 'kube-outage':
      return { kind, slots: random.pick<readonly Slot[]>([[0], [1], [0, 1]]), length };
    case 'lease-api-outage':
      return { kind, length };
    case 'kill':
    case 'term':
    case 'watches-cut':
    case 'watches-frozen':
      return { kind, slot };
  }
}

/** All acts of a run. */
export function* drawActs(random: Random): Generator<Scheduled<Act>, never> {
  for (;;) yield { kind: random.pick(ACTS), choice: random.next(), pause: random.between(1000, 4000) };
}
