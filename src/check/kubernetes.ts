import { fault } from '../errors.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeResource } from '../kube/resource.ts';
import type { Transport } from '../kube/transport.ts';
import { accessReviews, isAllowed, type Spot } from './access-review.ts';
import { failing, type Finding } from './finding.ts';
import { needsOf, type Need, type Place } from './needs.ts';
import { strictFindings } from './strict.ts';

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

/** Asks the Kubernetes API for each right that the operator needs: whoever runs this has it, or not. Changes nothing. */
export async function rightsFindings(
  transport: Transport,
  surroundings: Surroundings,
): Promise<readonly Finding[]> {
  const reviews = accessReviews(transport);
  const asked = needsOf(surroundings.strict).flatMap((need) =>
    spotsOf(need.place, surroundings).map((spot) => findingOf(reviews, need, spot)),
  );
  const strict = surroundings.strict ? strictFindings(transport, reviews, surroundings.policed) : [];
  return [...(await Promise.all(asked)), ...(await strict)];
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
