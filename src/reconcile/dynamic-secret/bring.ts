import { known } from '../../dynamic-secret/applied.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import type { Brought } from '../../dynamic-secret/plan.ts';
import type { DynamicSecretPass } from './context.ts';
import type { Unwritten } from './memory.ts';

/**
 * Takes what a step has brought for known from now on. It is written with the next status, where the decision is to wait:
 * until then the intent in the status says enough for a process that starts anew.
 */
export function bring(pass: DynamicSecretPass, input: DecisionInput, brought: Brought): void {
  pass.remember({ unwritten: knownAfter(input, brought) });
}

/** What is known of the dynamic secret after a step; what is not known any more is undefined. */
export function knownAfter(input: DecisionInput, brought: Brought): Required<Unwritten> {
  const { place, intent, applied, dynamicSecret } = known(input, brought);
  return { place, intent, applied, dynamicSecret };
}
