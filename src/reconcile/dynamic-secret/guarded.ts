import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';

/** Runs a guarded write of the object; a conflict means that the view is old, and a fresh one decides. */
export async function guarded(
  pass: DynamicSecretPass,
  input: DecisionInput,
  request: string,
  act: () => Promise<unknown>,
): Promise<StepResult> {
  const failed = (error: unknown, asked: string): StepResult => {
    fail(pass, input, faultOf(error, asked));
    // What failed is the Kubernetes API: the next try comes with the backoff.
    return 'rest';
  };
  try {
    await act();
    return 'again';
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) return failed(error, request);
  }
  try {
    await pass.cluster.dynamicSecrets.look(pass.key);
  } catch (error) {
    return failed(error, 'read the object');
  }
  return 'again';
}
