import type { Action } from '../../../../sandbox/lease-api/identities.ts';
import type { Stage } from '../../../support/stage.ts';

type Grants = readonly Readonly<Record<string, unknown>>[];

/** Where the Secrets of cluster connections are. */
const HOME = 'leaseholder-system';

/** A cluster connection to the stage's server with an identity of its own. */
export interface ClusterConnection {
  readonly name: string;
  readonly identityId: string;
  /** Applies it with other grants. */
  grant(grants: Grants): Promise<void>;
  /** How often the identity has called each route of the server, and logged in. */
  calls(): Promise<Readonly<Record<string, number>>>;
}

/**
 * @param projects where the identity has rights at the server, whatever is granted here.
 * @param actions what it may do there. Default: to lease.
 */
export async function clusterConnection(
  stage: Stage,
  name: string,
  grants: Grants,
  projects: readonly string[] = ['shop'],
  actions: readonly Action[] = ['lease'],
): Promise<ClusterConnection> {
  const identity = await stage.api.seedIdentity({
    grants: projects.map((projectSlug) => ({ projectSlug, actions: [...actions] })),
  });
  const { clientId, clientSecret } = identity;
  const key = (one: string): object => ({ secretKeyRef: { name, key: one } });
  const auth = { universal: { clientId: key('clientId'), clientSecret: key('clientSecret') } };
  const apply = (given: Grants): Promise<void> =>
    stage.apply({
      apiVersion: 'leaseholder.dev/v1alpha1',
      kind: 'ClusterInfisicalConnection',
      metadata: { name },
      spec: { hostAPI: stage.api.url, auth, grants: given },
    });
  await stage.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: HOME },
    stringData: { clientId, clientSecret },
  });
  await apply(grants);
  return {
    name,
    identityId: identity.identityId,
    grant: apply,
    async calls() {
      const { counts } = await stage.api.counts();
      const { entries } = await stage.api.readLedger();
      const logins = entries.filter(
        ({ event, by }) => event === 'login' && by === identity.identityId,
      ).length;
      const own = Object.entries(counts).map(([route, by]) => [route, by[identity.identityId] ?? 0] as const);
      return Object.fromEntries([...own, ['login', logins] as const].filter(([, count]) => count > 0));
    },
  };
}
