import { z } from 'zod';

import { KubeError } from '../kube/kube-error.ts';
import { resource, type KubeResource } from '../kube/resource.ts';
import type { Transport } from '../kube/transport.ts';

/** Where one right is asked for. A name is asked for with verbs that take one. */
export interface Spot {
  readonly namespace?: string;
  readonly name?: string;
}

const reviewType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
};

/** Reviews of what whoever asks may do. Nothing is kept of them. */
export function accessReviews(transport: Transport): KubeResource {
  return resource(transport, reviewType);
}

const review = z.object({ status: z.object({ allowed: z.boolean() }) });

/** Whether whoever asks has a right. @throws KubeError */
export async function isAllowed(
  reviews: KubeResource,
  {
    group,
    resource: path,
    verb,
    namespace,
    name,
  }: Spot & { readonly group: string; readonly resource: string; readonly verb: string },
): Promise<boolean> {
  const [plural, subresource] = path.split('/');
  // Creation, and looks at many, are about no name.
  const named = name !== undefined && ['get', 'patch', 'delete'].includes(verb) ? { name } : {};
  const resourceAttributes = { group, resource: plural, subresource, verb, namespace, ...named };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const answer = review.safeParse(await reviews.create(undefined, body));
  if (!answer.success) throw new KubeError('review access', { reason: 'UnexpectedAnswer' });
  return answer.data.status.allowed;
}
