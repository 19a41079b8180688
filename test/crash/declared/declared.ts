import type { LedgerEntry } from '../../../sandbox/lease-api/ledger.ts';
import { logIn } from '../../support/login.ts';
import { pardonedLeases } from '../pardon.ts';
import type { Life, LifeContext } from '../story.ts';
import { live, type Course } from './life.ts';
import { judge } from './oracles.ts';
import { makeDeclaredTenant } from './tenant.ts';

/** The life of a dynamic secret that is declared, and of a lease of it; see {@link live}. */
export async function declaredLife(context: LifeContext): Promise<Life> {
  const { surroundings, server, namespace, recorder, operators, reached, signal } = context;
  const tenant = await makeDeclaredTenant(context);
  const api = surroundings.servers[server];
  let course: Course | undefined;
  const pardoned = (): ReadonlySet<string> => pardonedLeases(server, recorder);

  /** What the operator did, and what became of what it has made. */
  const ledger = async (): Promise<readonly LedgerEntry[]> => {
    const { entries } = await api.readLedger();
    const made = entries.filter(({ by, event }) => event === 'secret-made' && by === tenant.identityId);
    const ids = new Set(made.map(({ dynamicSecretId }) => dynamicSecretId));
    return entries.filter(({ by, dynamicSecretId }) => by === tenant.identityId || ids.has(dynamicSecretId));
  };

  return {
    async live() {
      course = await live({
        tenant,
        recorder,
        reached,
        signal,
        pardoned,
        logIn: (username, password) => logIn(surroundings.postgres, username, password),
      });
    },
    async judge() {
      if (course === undefined) return [];
      const audit = await surroundings.audit(namespace);
      const { user } = surroundings.stage;
      const { absences } = operators;
      const { deletedAt } = course;
      const seen = { recorder, audit, user, absences, deletedAt, output: operators.output() };
      return judge({ ...seen, ledger: await ledger(), course, server, tenant, pardoned: pardoned() });
    },
    history: async () =>
      (await ledger()).map(
        ({ at, event, leaseId, dynamicSecret }) =>
          `${new Date(at).toISOString()} ledger: ${event} ${String(dynamicSecret)} ${String(leaseId)}`,
      ),
    async standing() {
      const { declared, lease, secret } = await tenant.view();
      const folder = (await tenant.folder()).map(({ inputs, ...shown }) => ({
        ...shown,
        inputs: Object.keys(inputs),
      }));
      return JSON.stringify({
        declared: declared?.status,
        lease: lease?.status,
        secret: secret?.lease,
        folder,
        live: await tenant.live(),
      });
    },
    state: undefined,
  };
}
