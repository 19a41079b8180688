import { fault } from '../errors.ts';
import { KubeError } from '../kube/kube-error.ts';
import { resource, type KubeResource } from '../kube/resource.ts';
import type { Transport } from '../kube/transport.ts';
import { secretType } from '../reconcile/secrets/watched.ts';
import { isAllowed } from './access-review.ts';
import { failing, type Finding } from './finding.ts';

/**
 * Whether strict mode keeps what it promises: an admission policy is in force, and Secrets are patched by granted names
 * alone.
 */
export async function strictFindings(
  transport: Transport,
  reviews: KubeResource,
  namespace: string,
): Promise<readonly Finding[]> {
  return Promise.all([policyFinding(transport, namespace), namesFinding(reviews, namespace)]);
}

/** A patch that cannot be read is answered with the whole object, before any policy is asked: hence the names. */
async function namesFinding(reviews: KubeResource, namespace: string): Promise<Finding> {
  const about = `patches of Secrets in namespace ${namespace}`;
  try {
    if (!(await isAllowed(reviews, { group: '', resource: 'secrets', verb: 'patch', namespace })))
      return { check: 'kubernetes', about, result: 'ok', message: 'Only those of granted names, if any.' };
  } catch (error) {
    return unavailable(about, error);
  }
  const message =
    'Any Secret may be patched, and the API server shows the object in its answer to a malformed patch: who has this token can read all. Name the Secrets that leases fill (leaseSecretNames of the chart).';
  return { check: 'kubernetes', about, result: 'warns', message };
}

/** A Secret without our label must be refused, in a dry run. */
async function policyFinding(transport: Transport, namespace: string): Promise<Finding> {
  const name = 'leaseholder-check';
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } };
  const about = `policy of strict mode in namespace ${namespace}`;
  try {
    await resource(transport, secretType).create(namespace, body, { dryRun: true });
  } catch (error) {
    return policyAnswer(about, error);
  }
  const message =
    'No admission policy keeps this account to Secrets with our label: it could change, and so read, all. Install the chart with secretAccess: strict.';
  return { check: 'kubernetes', about, result: 'fails', message };
}

function policyAnswer(about: string, error: unknown): Finding {
  const status = error instanceof KubeError ? error.status : undefined;
  if (status === 422)
    return { check: 'kubernetes', about, result: 'ok', message: 'Secrets without our label are refused.' };
  if (status === 403)
    return { check: 'kubernetes', about, result: 'skipped', message: 'Not tried: Secrets may not be made.' };
  return unavailable(about, error);
}

function unavailable(about: string, error: unknown): Finding {
  if (!(error instanceof KubeError)) throw error;
  return failing('kubernetes', about, fault('KubernetesUnavailable', { request: 'review access' }));
}
