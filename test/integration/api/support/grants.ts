import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import type { ApiClient } from '../../../../sandbox/control-plane/api-client.ts';
import type { AuditEvent } from '../../../../sandbox/control-plane/audit.ts';
import { operatorAccount } from '../../../../sandbox/operator/install.ts';
import { root } from './api-plane.ts';

/** A verb and a resource as kubectl writes them: `get secrets`, `patch dynamicsecretleases.leaseholder.dev/status`. */
export type Right = string;

const role = z.object({
  kind: z.enum(['ClusterRole', 'Role']),
  metadata: z.object({ name: z.literal(operatorAccount.name) }),
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      verbs: z.array(z.string()),
    }),
  ),
});

/** What the operator's roles of deploy/rbac.yaml grant: one for the cluster, one for its own namespace. */
export async function grantedRights(): Promise<readonly Right[]> {
  const text = await readFile(path.join(root, 'deploy', 'rbac.yaml'), 'utf8');
  const rules = parseAllDocuments(text).flatMap(
    (document) => role.safeParse(document.toJS() as unknown).data?.rules ?? [],
  );
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => right(verb, group, resource))),
    ),
  );
  return [...new Set(rights)];
}

/** What a request needs; undefined for one about no resource, such as `/version`. */
export function rightFor({ verb, group, resource }: AuditEvent): Right | undefined {
  return resource === '' ? undefined : right(verb, group, resource);
}

function right(verb: string, group: string, resource: string): Right {
  const [plural = '', subresource] = resource.split('/');
  const qualified = group === '' ? plural : `${plural}.${group}`;
  return `${verb} ${qualified}${subresource === undefined ? '' : `/${subresource}`}`;
}

const review = z.object({ status: z.object({ allowed: z.boolean() }) });

/** Where a right is held that is not for every namespace. */
const places: Readonly<Record<string, object>> = {
  namespaces: { name: 'kube-system' },
  'leases.coordination.k8s.io': { namespace: operatorAccount.namespace, name: 'leaseholder' },
};

/** Whether a user may do this, by the API server's own word: in namespace default, or in the one place for it. */
export async function mayDo(client: ApiClient, wanted: Right): Promise<boolean> {
  const [verb, resource = ''] = wanted.split(' ');
  const [qualified = '', subresource] = resource.split('/');
  const [plural, ...group] = qualified.split('.');
  const place = places[qualified] ?? { namespace: 'default' };
  const attributes = { verb, group: group.join('.'), resource: plural, subresource, ...place };
  const { body } = await client.send('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    method: 'POST',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: attributes },
    },
  });
  return review.parse(body).status.allowed;
}
