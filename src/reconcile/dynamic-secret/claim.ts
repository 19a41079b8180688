import { DYNAMIC_SECRET_FINALIZER } from '../../api/names.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import type { Subject } from './subject.ts';
import { guarded } from './guarded.ts';

/** Writes onto the object, before its dynamic secret can exist, that there may be one. The guarded write is the live look at the object, too. */
export async function claim(
  pass: DynamicSecretPass,
  { stored }: Subject,
  input: DecisionInput,
): Promise<StepResult> {
  const { resourceVersion } = stored;
  const finalizers = [...stored.finalizers, DYNAMIC_SECRET_FINALIZER];
  return guarded(pass, input, 'add the finalizer', () =>
    pass.cluster.dynamicSecrets.patch(pass.key, { metadata: { resourceVersion, finalizers } }),
  );
}
