import type { Target } from '../../api/lease.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { inscribe } from './bring.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { guarded } from './guarded.ts';
import { nothingAsked } from './intend.ts';
import type { Subject } from './subject.ts';

/** Says that nothing is left by a name that the spec has given up: another object may have it. */
export async function forget(
  pass: DynamicSecretPass,
  subject: Subject,
  input: DecisionInput,
  { dynamicSecret: name }: Target,
): Promise<StepResult> {
  return guarded(pass, input, 'write that the dynamic secret is lost', async () => {
    await inscribe(pass, subject, input, { did: 'lost' });
    pass.remember(nothingAsked);
    pass.log.warn('The dynamic secret is gone from the server, by a name that the spec has given up.', {
      name,
    });
    pass.events.warn(
      pass.subject,
      'DynamicSecretLost',
      `The dynamic secret was gone from the server, where it was still called ${name}. Leases of it are lost; it is created by the name that the spec has now.`,
    );
  });
}
