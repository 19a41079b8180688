import path from 'node:path';

import type { ServiceAccountName } from '../control-plane/service-account.ts';

const root = path.join(import.meta.dirname, '..', '..');

/** The operator's identity, as deploy/rbac.yaml names it. */
export const operatorAccount: ServiceAccountName = { namespace: 'leaseholder-system', name: 'leaseholder' };

/**
 * Installs what the operator needs of a cluster: its kinds, its namespace, its identity and its rights. Resolves when
 * the API server serves the kinds.
 *
 * @param kubectl runs kubectl with these arguments as an administrator; rejects when that fails
 */
export async function installOperator(
  kubectl: (...args: readonly string[]) => Promise<unknown>,
): Promise<void> {
  await kubectl('apply', '-f', `${path.join(root, 'crds')}/`);
  await kubectl('apply', '-f', path.join(root, 'deploy', 'rbac.yaml'));
  await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
}
