import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { RequestError } from '../../infisical/request-error.ts';
import type { DynamicSecretPass } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { unseen } from './look.ts';

/**
 * Takes what became of a request for a dynamic secret that did not surely succeed: where its fate is unknown a look tells,
 * and what a sure refusal was for may be there all the same, by somebody else.
 *
 * @param request for the fault's sentence.
 */
export function failed(pass: DynamicSecretPass, input: DecisionInput, error: unknown, request: string): void {
  const why = faultOf(error, request);
  const unknown = error instanceof RequestError && error.fate === 'unknown';
  const { asked, intended } = pass.memory();
  const now = unknown || asked === 'perhaps' ? 'perhaps' : 'in vain';
  pass.remember({
    ...unseen,
    doubtful: unknown || pass.memory().doubtful,
    asked: now,
    // An intent that this process found in the status may have been followed by requests that it knows nothing of.
    surelyRefused: input.object.status.intent !== undefined && intended !== undefined && now === 'in vain',
  });
  fail(pass, input, why);
}
