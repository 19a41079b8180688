import type { ListedDynamicSecret, Target } from '../../api/lease.ts';
import { OBJECT_METADATA_KEY } from '../../api/names.ts';
import type { DecisionInput, Listing } from '../../dynamic-secret/input.ts';
import { RequestError } from '../../infisical/request-error.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { fail, faultOf } from './failure.ts';
import { clientFor } from './way.ts';

/** Lists the dynamic secrets of the folder, as far as the identity may see them, and keeps what is shown of ours. */
export async function list(
  pass: DynamicSecretPass,
  input: DecisionInput,
  target: Target,
): Promise<StepResult> {
  const client = clientFor(pass);
  if (client === undefined) return 'again';
  const at = pass.clock.elapsed();
  const take = (shown: ListedDynamicSecret | undefined): void => {
    const asked = { at, took: pass.clock.elapsed() - at };
    const listing: Listing =
      shown === undefined ? { state: 'hidden', ...asked } : { state: 'shown', shown, ...asked };
    pass.remember({ tried: true, listing });
  };
  try {
    take(oursAmong(await client.listDynamicSecrets(target), input, target));
  } catch (error) {
    // Whoever may not list goes without: it costs only what drift would have been seen.
    if (isRefusal(error)) take(undefined);
    else fail(pass, input, faultOf(error, 'list the dynamic secrets'));
  }
  return 'again';
}

/** By its id, which a rename does not change; by the mark of this object; else by its name. */
function oursAmong(
  listed: readonly ListedDynamicSecret[],
  { object: { uid, status } }: DecisionInput,
  { dynamicSecret: name }: Target,
): ListedDynamicSecret | undefined {
  return (
    listed.find(({ id }) => id === status.dynamicSecret?.id) ??
    listed.find(({ metadata }) => isMarked(metadata, uid)) ??
    listed.find((one) => one.name === name)
  );
}

function isMarked(metadata: ListedDynamicSecret['metadata'], uid: string): boolean {
  return metadata?.some(({ key, value }) => key === OBJECT_METADATA_KEY && value === uid) ?? false;
}

/** A limit or a login is no word about the list; any other refusal is. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof RequestError) || error.fate !== 'refused') return false;
  return error.status !== undefined && error.status !== 429 && error.fault.code !== 'TokenRefused';
}
