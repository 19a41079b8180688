import { DYNAMIC_SECRET_FINALIZER } from '../../api/names.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import type { Step } from '../../dynamic-secret/plan.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import type { Subject } from './subject.ts';
import { guarded } from './guarded.ts';

type Left = (Step & { readonly do: 'dropFinalizer' })['left'];

/** Lets the object go, and says what stays on the server: never silently. */
export async function dropFinalizer(
  pass: DynamicSecretPass,
  { stored }: Subject,
  input: DecisionInput,
  left: Left,
): Promise<StepResult> {
  return guarded(pass, input, 'drop the finalizer', async () => {
    const finalizers = stored.finalizers.filter((finalizer) => finalizer !== DYNAMIC_SECRET_FINALIZER);
    const metadata = { resourceVersion: stored.resourceVersion, finalizers };
    await pass.cluster.dynamicSecrets.patch(pass.key, { metadata });
    // The API server answers the last finalizer's removal with the object's old version, so it stays in view for a while.
    pass.remember({ released: true });
    tell(pass, input, left);
  });
}

/** What people are told of a dynamic secret that stays though the object goes. */
const leftMessages: Readonly<Record<Exclude<NonNullable<Left>, 'declared'>, string>> = {
  timeout:
    'The dynamic secret could not be removed while its namespace was ending, and is left on the server, with its leases.',
  unreachable:
    'No connection leads to the server of the dynamic secret any more; it is left there, with its leases.',
  foreign: 'What the server has by that name is not of this object, and is left as it is.',
};

function tell({ metrics, events, log, subject }: DynamicSecretPass, input: DecisionInput, left: Left): void {
  if (left === undefined) {
    if (input.object.status.place === undefined) return;
    metrics.dynamicSecretChanged('removed');
    log.info('The dynamic secret was removed.');
    return;
  }
  metrics.dynamicSecretChanged('left');
  log.warn('A dynamic secret is left on the server.', { why: left });
  if (left !== 'declared') events.warn(subject, 'DynamicSecretLeft', leftMessages[left]);
}
