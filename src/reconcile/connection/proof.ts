import { fault, FaultError } from '../../errors.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { Cluster } from '../ports.ts';

/** How long the token of a service account is good for that a login shows: the least that the Kubernetes API makes. */
const PROOF_SECONDS = 600;

/** Where tokens of service accounts are had. */
export interface TokenRequests {
  readonly cluster: Pick<Cluster, 'requestToken'>;
  /** Where the references of the connection lead. */
  readonly namespace: string;
}

interface ServiceAccountRef {
  readonly name: string;
  readonly audience?: string | undefined;
}

/**
 * Has a token of a service account made, for one login.
 *
 * @param field that names it, for the fault's sentence.
 * @throws FaultError that names the field and the service account.
 */
export async function requestProof(
  { cluster, namespace }: TokenRequests,
  field: string,
  { name, audience }: ServiceAccountRef,
): Promise<string> {
  try {
    const token = await cluster.requestToken(namespace, name, { audience, seconds: PROOF_SECONDS });
    if (token !== undefined) return token;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    throw new FaultError(refusalOf(error, { field, name, namespace }), { cause: error });
  }
  throw new FaultError(fault('ServiceAccountNotFound', { field, name, namespace }));
}

function refusalOf(
  { status = 0, retryAfter }: KubeError,
  details: { readonly field: string; readonly name: string; readonly namespace: string },
): ReturnType<typeof fault> {
  if (status === 403) return fault('TokenRequestForbidden', details);
  // Conflicts and limits pass; a request that is not taken as it is does not.
  if (status === 400 || status === 422) return fault('TokenRequestRefused', { ...details, status });
  return fault('KubernetesUnavailable', { request: 'make a token of a service account' }, retryAfter);
}
