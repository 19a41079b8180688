import { readFile } from 'node:fs/promises';

import type { LedgerEntry } from '../../../../sandbox/lease-api/ledger.ts';
import { operatorAccount } from '../../../../sandbox/operator/install.ts';
import { API_VERSION } from '../../../../src/api/names.ts';
import { tokenIn } from '../../../../sandbox/control-plane/kubeconfig.ts';
import { leaseManifest, type Stage } from '../../../support/stage.ts';

type Spec = Readonly<Record<string, unknown>>;
type Seed = Parameters<Stage['api']['seedIdentity']>[0];

/** Whom tokens are for in these tests. */
export const AUDIENCE = 'infisical';

/** The address and the CA of the stage's cluster, and who reviews tokens there, as a server is told them. */
export async function reviewingCluster(
  stage: Stage,
): Promise<{ kubernetesHost: string; caCert: string; tokenReviewerJwt: string }> {
  const reviewer = { namespace: 'infisical', name: 'reviewer' };
  const kubeconfig = await stage.plane.serviceAccountKubeconfig(reviewer);
  await stage.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'infisical-reviewer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
    subjects: [{ kind: 'ServiceAccount', ...reviewer }],
  });
  return {
    kubernetesHost: stage.plane.server,
    caCert: await readFile(stage.plane.caFile, 'utf8'),
    tokenReviewerJwt: await tokenIn(kubeconfig),
  };
}

export function serviceAccount(name: string): object {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default' } };
}

/** The right to request tokens of one service account, for the operator. */
export function mayRequestTokens(name: string): readonly object[] {
  const metadata = { name: `${name}-token`, namespace: 'default' };
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'Role',
      metadata,
      rules: [
        { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [name], verbs: ['create'] },
      ],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup, kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', ...operatorAccount }],
    },
  ];
}

/** A Secret with one key. */
export function proofSecret(name: string, token: string): object {
  return secretOf(name, { token });
}

/** A Secret of the namespace `default`. */
export function secretOf(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, stringData };
}

/** Names a key of a Secret. */
export function keyOf(name: string, key: string): object {
  return { secretKeyRef: { name, key } };
}

/** An identity of the stage's server that may lease. */
export async function seedIdentity(stage: Stage, seed: Seed): Promise<string> {
  const grants = [{ projectSlug: 'shop', actions: ['lease' as const] }];
  return (await stage.api.seedIdentity({ grants, ...seed })).identityId;
}

/** A connection that logs in so, and a lease of the same name through it. */
export function connectionAndLease(stage: Stage, name: string, auth: Spec): readonly object[] {
  const connection = {
    apiVersion: API_VERSION,
    kind: 'InfisicalConnection',
    metadata: { name, namespace: 'default' },
    spec: { hostAPI: stage.api.url, auth },
  };
  return [connection, leaseManifest(name, { connectionRef: { name } })];
}

/** The logins of an identity that the server accepted, in order. */
export async function loginsOf(stage: Stage, identityId: string): Promise<readonly LedgerEntry[]> {
  const { entries } = await stage.api.readLedger();
  return entries.filter(({ event, by }) => event === 'login' && by === identityId);
}
