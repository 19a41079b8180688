import type { Target } from '../../api/lease.ts';
import { declaredOf, inputNames } from '../../dynamic-secret/declared.ts';
import type { DecisionInput } from '../../dynamic-secret/input.ts';
import { failed } from './asked.ts';
import { bring } from './bring.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { readInputs, type ReadInputs } from './inputs.ts';
import { nothingAsked } from './intend.ts';
import { see } from './look.ts';
import { noteSent } from './sources.ts';
import { clientFor } from './way.ts';

/** Asks for the dynamic secret, with everything that is declared of it. The intent is in the status already. */
export async function create(
  pass: DynamicSecretPass,
  input: DecisionInput,
  target: Target,
): Promise<StepResult> {
  const { spec, uid, status } = input.object;
  if (!spec.valid || !(await isStillAsked(pass, input))) return 'again';
  let read: ReadInputs;
  try {
    read = await readInputs(pass, spec.value, inputNames(spec.value));
  } catch (error) {
    fail(pass, input, faultOf(error, 'read a Secret'));
    return 'again';
  }
  // A grant may have been taken back since the decision: it is looked at once more right before the request.
  const client = clientFor(pass);
  if (client === undefined) return 'again';
  try {
    const declared = declaredOf(spec.value, uid);
    const provider = { ...declared.provider, inputs: read.inputs };
    const dynamicSecret = await client.createDynamicSecret(target, { ...declared, provider });
    bring(pass, input, { did: 'created', target, dynamicSecret, sources: read.sources });
  } catch (error) {
    failed(pass, input, error, 'create the dynamic secret');
    return 'again';
  }
  const at = pass.clock.elapsed();
  pass.remember({ listing: undefined, changedAt: at, ...nothingAsked });
  see(pass, input, { target, existence: 'present', leases: [], at, took: 0 });
  noteSent(pass, read.sources);
  tellCreated(pass, status.place !== undefined);
  return 'again';
}

/**
 * Whether the object still says so. What this process has asked for it knows from a guarded write; an intent that it has found
 * may be of yesterday's view, of an object that is gone by now: nobody would ever remove what is made for that one.
 */
async function isStillAsked(pass: DynamicSecretPass, input: DecisionInput): Promise<boolean> {
  if (pass.memory().intended !== undefined) return true;
  const { dynamicSecrets } = pass.cluster;
  const seen = dynamicSecrets.get(pass.key);
  try {
    const live = await dynamicSecrets.look(pass.key);
    return live?.uid === pass.uid && live.resourceVersion === seen?.resourceVersion;
  } catch (error) {
    fail(pass, input, faultOf(error, 'read the object'));
    return false;
  }
}

/** @param again it had been there before, and somebody has removed it. */
export function tellCreated({ metrics, events, log, subject }: DynamicSecretPass, again: boolean): void {
  metrics.dynamicSecretChanged('created');
  if (!again) {
    log.info('The dynamic secret was created.');
    events.note(subject, 'DynamicSecretCreated', 'The dynamic secret was created on the server.');
    return;
  }
  log.warn('The dynamic secret was gone from the server; it was created again.');
  events.warn(
    subject,
    'DynamicSecretLost',
    'The dynamic secret was gone from the server, and was created again. Leases of the one before are lost.',
  );
}
