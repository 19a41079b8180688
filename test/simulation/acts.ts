import { FaultError } from '../../src/errors.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { Random } from './random.ts';

/** Something that tenants do. */
export interface Act<Land> {
  readonly name: string;
  readonly weight: number;
  /** No decent tenant does it. */
  readonly mischief: boolean;
  /** @returns what was done; undefined: there was nothing to do it to. */
  readonly act: (land: Land) => string | undefined;
}

/** Has one of some acts done. @returns what was done. */
export function drawAct<Land extends { readonly random: Random }>(
  acts: readonly Act<Land>[],
  land: Land,
  mischief: number,
): string | undefined {
  const bad = land.random.chance(mischief);
  const possible = acts.filter((one) => one.mischief === bad);
  const total = possible.reduce((sum, { weight }) => sum + weight, 0);
  let drawn = land.random.next() * total;
  const chosen = possible.find(({ weight }) => (drawn -= weight) < 0);
  if (chosen === undefined) return undefined;
  const done = attempt(() => chosen.act(land));
  return done === undefined ? undefined : `${chosen.name}: ${done}`;
}

/** Somebody else may have been faster. */
export function attempt<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof KubeError || error instanceof FaultError) return undefined;
    throw error;
  }
}
