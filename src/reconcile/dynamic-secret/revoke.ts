import type { Fault } from '../../errors.ts';
import type { Step } from '../../dynamic-secret/plan.ts';
import { RequestError } from '../../infisical/request-error.ts';
import { backoff } from '../../lease/schedule.ts';
import type { DynamicSecretPass, StepResult } from './context.ts';
import { faultOf } from './failure.ts';
import { clientFor } from './way.ts';

/**
 * Revokes one lease that lives in a dynamic secret which is to be removed. That it failed is no failure of the object:
 * another try comes after a while, longer each time.
 */
export async function revoke(
  pass: DynamicSecretPass,
  { target, lease }: Step & { readonly do: 'revoke' },
): Promise<StepResult> {
  const client = clientFor(pass);
  if (client === undefined) return 'again';
  try {
    const { status } = await client.revokeLease(lease, target);
    if (status === null) end(pass, lease, 'confirmed');
    else postpone(pass, lease, { surely: true });
  } catch (error) {
    const why = faultOf(error, 'revoke a lease');
    const answered = error instanceof RequestError ? error : undefined;
    if (answered?.notFound === 'lease') end(pass, lease, 'gone');
    else postpone(pass, lease, { surely: isRefusal(answered), why });
  }
  return 'again';
}

/** A limit is no word about the lease; any other refusal is. */
function isRefusal(error: RequestError | undefined): boolean {
  return error?.fate === 'refused' && error.status !== undefined && error.status !== 429;
}

function end(pass: DynamicSecretPass, lease: string, result: 'confirmed' | 'gone'): void {
  const { sighting, unrevoked } = pass.memory();
  pass.metrics.revoked(result);
  pass.log.info('A lease was revoked.', { lease, result });
  pass.remember({
    tried: true,
    unrevoked: new Set([...(unrevoked ?? [])].filter((id) => id !== lease)),
    sighting: sighting && { ...sighting, leases: sighting.leases.filter((id) => id !== lease) },
  });
}

function postpone(
  pass: DynamicSecretPass,
  lease: string,
  { surely, why }: { readonly surely: boolean; readonly why?: Fault },
): void {
  const { clock, timing, metrics, log } = pass;
  const { revocations, revocationFailures, unrevoked } = pass.memory();
  const count = (revocationFailures.get(lease) ?? 0) + 1;
  const again = backoff({ retry: 'backoff', ...why, count }, clock.random(), undefined, timing);
  metrics.revoked('refused');
  metrics.failed('revocation', why?.code ?? 'RevocationFailed');
  log.warn('A lease could not be revoked.', { lease, reason: why?.code, count, wait: Math.round(again) });
  pass.remember({
    tried: true,
    revocations: new Map(revocations).set(lease, clock.elapsed() + again),
    revocationFailures: new Map(revocationFailures).set(lease, count),
    ...(surely ? { unrevoked: new Set([...(unrevoked ?? []), lease]) } : {}),
  });
}
