import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { logIn } from '../support/login.ts';
import { live, type Course } from './life.ts';
import { judge } from './oracles.ts';
import { pardonedLeases } from './pardon.ts';
import { stateOf } from './state.ts';
import type { Life, LifeContext, Violation } from './story.ts';
import { makeTenant, OBJECTS } from './tenant.ts';
import { gatherWorld } from './world.ts';

/** The life of leases whose dynamic secrets are there already; see {@link live}. */
export async function leasesLife(context: LifeContext): Promise<Life> {
  const { surroundings, server, namespace, hostAPI, recorder, operators, reached, signal } = context;
  const tenant = await makeTenant(surroundings, { namespace, server, hostAPI });
  const secretIds = new Set<string | null>(Object.values(tenant.secretIds));
  const logins: string[] = [];
  let course: Course | undefined;

  const pardoned = (): ReadonlySet<string> => pardonedLeases(server, recorder);
  const ledger = async (): Promise<readonly LedgerEntry[]> =>
    (await tenant.api.readLedger()).entries.filter(({ dynamicSecretId }) => secretIds.has(dynamicSecretId));

  /** Logs into PostgreSQL as the Secrets say. */
  const inspect = async (settled: Course['settled']): Promise<void> => {
    for (const name of OBJECTS) {
      const { username = '', password = '' } = settled[name].secret ?? {};
      const refused = await logIn(surroundings.postgres, username, password);
      if (refused !== undefined) logins.push(`${name}: ${refused}`);
    }
  };

  return {
    async live() {
      course = await live({ tenant, recorder, pardoned, inspect, reached, signal });
    },
    async judge() {
      if (course === undefined) return [];
      const audit = await surroundings.audit(namespace);
      const { user } = surroundings.stage;
      const { absences } = operators;
      const seen = { recorder, audit, user, ledger: await ledger(), output: operators.output(), absences };
      const refused: readonly Violation[] = logins.map((words) => ({
        oracle: 'the credentials log in',
        seen: words,
      }));
      return [...refused, ...judge({ ...seen, course, pardoned: pardoned() })];
    },
    history: async () =>
      (await ledger()).map(
        ({ at, event, leaseId, dynamicSecret }) =>
          `${new Date(at).toISOString()} ledger: ${event} ${String(dynamicSecret)} ${String(leaseId)}`,
      ),
    async standing() {
      const views = await Promise.all(OBJECTS.map((name) => tenant.view(name)));
      const states = views.map(({ lease, secret }) => ({ status: lease?.status, secret: secret?.lease }));
      return JSON.stringify({ states, live: await tenant.live() });
    },
    state: async (steps) => stateOf(await gatherWorld(tenant, { recorder, steps })),
  };
}
