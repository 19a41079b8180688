import { known } from '../../dynamic-secret/applied.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import type { Brought } from '../../dynamic-secret/plan.ts';
import { mergePatch } from '../../kube/merge-patch.ts';
import type { DynamicSecretPass } from './context.ts';
import type { Unwritten } from './memory.ts';
import { withUnwritten, type Subject } from './subject.ts';

/**
 * Takes what a step has brought for known from now on. It is written with the next status, where the decision is to wait:
 * until then the intent in the status says enough for a process that starts anew.
 */
export function bring(pass: DynamicSecretPass, input: DecisionInput, brought: Brought): void {
  pass.remember({ unwritten: knownAfter(input, brought) });
}

/** Writes it at once: what comes next relies on its being there for a process that starts anew, and for other objects. */
export async function inscribe(
  pass: DynamicSecretPass,
  { stored }: Subject,
  input: DecisionInput,
  brought: Brought,
): Promise<void> {
  const after = withUnwritten(stored.status, knownAfter(input, brought));
  await pass.cluster.dynamicSecrets.patchStatus(pass.key, {
    metadata: { resourceVersion: stored.resourceVersion },
    status: mergePatch(stored.status, after) ?? {},
  });
  pass.remember({ unwritten: {}, tried: true });
}

/** What is known of the dynamic secret after a step; what is not known any more is undefined. */
export function knownAfter(input: DecisionInput, brought: Brought): Required<Unwritten> {
  const { place, intent, applied, dynamicSecret } = known(input, brought);
  return { place, intent, applied, dynamicSecret };
}
