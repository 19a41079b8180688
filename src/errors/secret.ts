import { entry } from './entry.ts';

/** What can go wrong with the Secret that the credentials go to. */
export const secretFaults = {
  SecretConflict: entry('slow', (d: { secret: string; by?: string | undefined }) =>
    d.by === undefined
      ? `Secret ${d.secret} exists and does not belong to this object, so it is left as it is. Delete it, choose another spec.secret.name, or have it taken over (spec.secret.adoption).`
      : `Secret ${d.secret} is that of DynamicSecretLease ${d.by}, which names it too and comes first. Choose another spec.secret.name for one of them.`,
  ),
  SecretRefused: entry(
    'slow',
    (d: { secret: string; status: number; reason: string }) =>
      `The Kubernetes API refused to write Secret ${d.secret} with status ${d.status} (${d.reason}). Check quotas, admission policies and the operator's rights in this namespace.`,
  ),
  SecretInvalid: entry(
    'rare',
    (d: { secret: string; problem: string }) =>
      `The credentials cannot become Secret ${d.secret}: ${d.problem}. Mend the dynamic secret. Each try costs a lease, which is revoked: the next one comes when spec changes, else after minutes at first and an hour at last.`,
  ),
  SecretNotWritten: entry(
    'backoff',
    (d: { secret: string }) =>
      `Secret ${d.secret} could not be written in time because the Kubernetes API did not answer. It is tried again.`,
  ),
  KubernetesUnavailable: entry(
    'backoff',
    (d: { request: string }) => `The Kubernetes API failed when asked to ${d.request}. It is tried again.`,
  ),
  Contended: entry(
    'slow',
    (d: { secret: string }) =>
      `Secret ${d.secret} keeps being deleted or changed by somebody else, so it is replaced only now and then. Find out who does, with the audit log of the API server.`,
  ),
} as const;
