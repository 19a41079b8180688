import type { DynamicSecret } from '../../api/lease.ts';
import type { DecisionInput, Removal } from '../../dynamic-secret/input.ts';
import type { Step } from '../../dynamic-secret/plan.ts';
import { RequestError } from '../../infisical/request-error.ts';
import { bring } from './bring.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { unseen } from './look.ts';
import { clientFor } from './way.ts';

/** Asks for the removal. What the answer says is followed by looks: a 200 may only mean that it has been begun. */
export async function remove(
  pass: DynamicSecretPass,
  input: DecisionInput,
  { target, forced }: Step & { readonly do: 'remove' },
): Promise<StepResult> {
  const client = clientFor(pass);
  if (client === undefined) return 'again';
  const note = (answer: Removal['answer']): void => {
    const tries = (pass.memory().removal?.tries ?? 0) + 1;
    pass.remember({ ...unseen, tried: true, removal: { tries, at: pass.clock.elapsed(), answer } });
  };
  if (forced) pass.log.warn('The dynamic secret is removed by force; credentials of its leases may survive.');
  try {
    const dynamicSecret = await client.deleteDynamicSecret(target, { forced });
    bring(pass, input, { did: 'removed', dynamicSecret });
    note(answerOf(dynamicSecret));
  } catch (error) {
    if (error instanceof RequestError && error.notFound === 'target') {
      note('absent');
      return 'again';
    }
    const unknown = error instanceof RequestError && error.fate === 'unknown';
    note(unknown ? 'unknown' : 'failed');
    if (unknown) pass.remember({ doubtful: true });
    fail(pass, input, faultOf(error, 'remove the dynamic secret'));
  }
  return 'again';
}

/** What the API says in the status of what it answers; anything else is taken for work under way. */
function answerOf({ status }: DynamicSecret): Removal['answer'] {
  if (status === null) return 'gone';
  return status === 'Failed to delete' ? 'failed' : 'inProcess';
}
