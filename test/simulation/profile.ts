import type { Random } from './random.ts';

const HOUR = 3_600_000;

/** What kind of world a seed is: how much of each trouble there is. */
export interface Profile {
  /** How long troubles last, in milliseconds. */
  readonly busy: number;
  /** See Weather. */
  readonly fronts: number;
  readonly stray: number;
  /** Ends of processes an hour, by time; beside those at a request. */
  readonly crashes: number;
  /** Share of processes that end at one of their requests. */
  readonly deaths: number;
  readonly suspensions: number;
  readonly freezes: number;
  /** Acts of tenants an hour. */
  readonly tenants: number;
  /** Of the tenants' acts, those that no decent tenant does. */
  readonly mischief: number;
  readonly lateness: number;
  readonly tags: 'kept' | 'dropped';
  readonly missing: 404 | 400;
  readonly shows: 'old failures' | 'the outcome';
  readonly lag: number;
  /** How long renewals may lengthen a lease's life, in milliseconds. */
  readonly maximum: number;
  readonly skew: number;
  /** How often an hour somebody sets the lease API's clock. */
  readonly clockSteps: number;
  readonly workers: number;
  /** Processes that stand for election. */
  readonly replicas: number;
}

/** @param steps see {@link Profile.clockSteps}. */
export function drawProfile(random: Random, steps: number): Profile {
  const some = (most: number): number => (random.chance(0.4) ? 0 : random.next() * most);
  return {
    busy: random.between(1, 3) * HOUR,
    fronts: some(20),
    stray: some(0.1),
    crashes: some(8),
    deaths: random.pick([0, 0.5, 0.9]),
    suspensions: some(6),
    freezes: some(6),
    tenants: random.between(4, 40),
    mischief: some(0.5),
    lateness: some(1),
    tags: random.chance(0.7) ? 'kept' : 'dropped',
    missing: random.pick([404, 400]),
    shows: random.pick(['old failures', 'the outcome']),
    lag: random.chance(0.5) ? 0 : random.between(0, 60_000),
    maximum: random.pick([0.5, 1, 3]) * HOUR,
    skew: random.between(-5000, 5000),
    clockSteps: steps,
    workers: random.pick([1, 4, 16]),
    replicas: random.pick([1, 2]),
  };
}
