import type { DynamicSecretIntent } from '../../api/dynamic-secret.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { inscribe } from './bring.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { guarded } from './guarded.ts';
import type { Subject } from './subject.ts';

/**
 * Writes into the status what is about to be asked for, before it is asked for, or takes it back. Whoever finds an intent
 * knows that what is there by that name may be ours.
 */
export async function intend(
  pass: DynamicSecretPass,
  subject: Subject,
  input: DecisionInput,
  intent: DynamicSecretIntent | undefined,
): Promise<StepResult> {
  return guarded(pass, input, 'write the intent', async () => {
    await inscribe(pass, subject, input, { did: 'intended', intent });
    pass.remember({ ...nothingAsked, intended: intent });
  });
}

/** No request for what an intent names is remembered. */
export const nothingAsked = { intended: undefined, asked: 'nothing', surelyRefused: undefined } as const;
