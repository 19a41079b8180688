import { z } from 'zod';

import { fault } from '../errors.ts';
import { KubeError } from '../kube/kube-error.ts';
import { resource, type KubeResource } from '../kube/resource.ts';
import type { Transport } from '../kube/transport.ts';
import { secretType } from '../reconcile/secrets/watched.ts';
import { failing, type Finding } from './finding.ts';
import { needsOf, type Need, type Place } from './needs.ts';

/** What of the operator's configuration says where rights are needed. */
export interface Surroundings {
  /** Undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly installationId: string | undefined;
  readonly election: { readonly namespace: string; readonly name: string } | undefined;
  readonly nudgePods: boolean;
  readonly strict: boolean;
  /** A namespace in which the policy of strict mode is tried. */
  readonly policed: string;
}

/** Where one right is asked for. A name is asked for with verbs that take one. */
interface Spot {
  readonly namespace?: string;
  readonly name?: string;
}

const reviewType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
};

/** Asks the Kubernetes API for each right that the operator needs: whoever runs this has it, or not. Changes nothing. */
export async function rightsFindings(
  transport: Transport,
  surroundings: Surroundings,
): Promise<readonly Finding[]> {
  const reviews = resource(transport, reviewType);
  const asked = needsOf(surroundings.strict).flatMap((need) =>
    spotsOf(need.place, surroundings).map((spot) => findingOf(reviews, need, spot)),
  );
  const policy = surroundings.strict ? [policyFinding(transport, surroundings.policed)] : [];
  return Promise.all([...asked, ...policy]);
}

const POLICY = 'policy of strict mode';

/**
 * Whether the admission policy of strict mode is in force: a Secret without our label must be refused, in a dry run. Without
 * it whoever may write Secrets may write all of them, and see them by doing so.
 */
async function policyFinding(transport: Transport, namespace: string): Promise<Finding> {
  const name = 'leaseholder-check';
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace } };
  const about = `${POLICY} in namespace ${namespace}`;
  try {
    await resource(transport, secretType).create(namespace, body, { dryRun: true });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return policyAnswer(about, error);
  }
  const message =
    'No admission policy keeps this account to Secrets with our label: it could change, and so read, all. Install the chart with secretAccess: strict.';
  return { check: 'kubernetes', about, result: 'fails', message };
}

function policyAnswer(about: string, { status }: KubeError): Finding {
  if (status === 422)
    return { check: 'kubernetes', about, result: 'ok', message: 'Secrets without our label are refused.' };
  if (status === 403)
    return { check: 'kubernetes', about, result: 'skipped', message: 'Not tried: Secrets may not be made.' };
  return failing('kubernetes', about, fault('KubernetesUnavailable', { request: 'try a Secret' }));
}

function spotsOf(place: Place, surroundings: Surroundings): readonly Spot[] {
  const { namespaces, installationId, election, nudgePods } = surroundings;
  const watched = namespaces === undefined ? [{}] : namespaces.map((namespace) => ({ namespace }));
  switch (place) {
    case 'objects':
      return watched;
    case 'cluster':
      return namespaces === undefined ? [{}] : [];
    case 'installation':
      return installationId === undefined ? [{ name: 'kube-system' }] : [];
    case 'election':
      return election === undefined ? [] : [election];
    case 'nudge':
      return nudgePods ? watched : [];
  }
}

async function findingOf(reviews: KubeResource, need: Need, spot: Spot): Promise<Finding> {
  const where = spot.namespace === undefined ? '' : ` in namespace ${spot.namespace}`;
  const about = `${need.resource}${need.group === '' ? '' : `.${need.group}`}${where}`;
  try {
    const answers = await Promise.all(
      need.verbs.map(async (verb) => ((await isAllowed(reviews, { ...need, verb, ...spot })) ? [] : [verb])),
    );
    const lacking = answers.flat();
    if (lacking.length === 0)
      return { check: 'kubernetes', about, result: 'ok', message: `May ${need.verbs.join(', ')}.` };
    const message = `May not ${lacking.join(', ')}: ${need.why}. Grant it as deploy/rbac.yaml does.`;
    return { check: 'kubernetes', about, result: 'fails', message };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return failing('kubernetes', about, fault('KubernetesUnavailable', { request: 'review access' }));
  }
}

const review = z.object({ status: z.object({ allowed: z.boolean() }) });

async function isAllowed(
  reviews: KubeResource,
  { group, resource: path, verb, namespace, name }: Omit<Need, 'verbs'> & Spot & { readonly verb: string },
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
