import { deliveriesOf } from '../figures/rotations.ts';
import { objectOf } from '../figures/progress.ts';
import { requestsOf } from '../figures/requests.ts';
import { common, courseless, round, uncompared } from '../result.ts';
import type { Run } from '../saved/run.ts';
import {
  askForRotation,
  createForeignSecrets,
  createLeases,
  leaseNames,
  objectName,
  untilAll,
} from '../world/fleet.ts';
import { askedSoFar, untilAsked, untilQuiet } from '../world/waiting.ts';
import type { CaseOptions } from './case.ts';
import { observe } from './run.ts';

/** Foreign Secrets for each lease. */
const FOREIGN = 3;

/** How long a rotation that was asked for may take, in milliseconds. */
const PATIENCE = 300_000;

/**
 * The operator is started anew beside leases that are all in order, among Secrets that are not its own: nothing is to be
 * done. It is in step when it has served a rotation that was asked for before its start; how it keeps in step, a second one
 * tells that is asked for at that moment. These two are left out of all counts. It is watched until it has nothing to do any
 * more. Seconds count from the start of the process.
 */
export async function restart(options: CaseOptions): Promise<Run> {
  const { leases, namespaces } = options;
  const names = leaseNames(leases, namespaces);
  const [after, before] = [names[0], names.at(-1)];
  if (before === undefined || after === undefined || leases < 2)
    throw new RangeError('A restart takes two leases.');
  let [askedAt, quietAt] = [0, 0];
  const seen = await observe(options, {
    async prepare(world) {
      await createForeignSecrets(world, FOREIGN * leases, namespaces);
      await createLeases(world, names);
      const operator = world.launch();
      await untilAll(world, { leases, made: leases });
      await operator.stop();
      await askForRotation(world, before);
      return undefined;
    },
    async play(world, operator) {
      const made = await askedSoFar(world);
      await untilAsked(world, { count: made + 1, timeoutMs: PATIENCE });
      askedAt = await askForRotation(world, after);
      await untilAsked(world, { count: made + 2, timeoutMs: PATIENCE });
      quietAt = await untilQuiet(operator.pid);
    },
  });
  const asked = new Set([before, after].map((name) => objectName(name)));
  const served = new Map(deliveriesOf(seen.events, seen.reports).map(({ object, at }) => [object, at]));
  const seconds = (name: (typeof names)[number], from: number): number =>
    round(((served.get(objectName(name)) ?? Number.NaN) - from) / 1000, 2);
  const requests = requestsOf(
    seen.events.filter((event) => !asked.has(objectOf(event))),
    seen.user,
  );
  const figures = common(options, seen, requests);
  // Each of the two rotations is told by an event, whose name the audit log does not have.
  const events = requests.byKind['create events'] ?? 0;
  const newLeases = seen.ledger.filter(({ event }) => event === 'made').length - asked.size;
  return {
    case: 'restart',
    ...figures,
    ...uncompared,
    ...courseless,
    secondsToAll: seconds(before, seen.startedAt),
    duplicateLeases: newLeases,
    deadCredentialSeconds: null,
    more: {
      newLeases,
      leaseWrites: requests.writes,
      otherWrites: requests.otherWrites - Math.min(events, asked.size),
      secondsForChange: seconds(after, askedAt),
      secondsToQuiet: round((quietAt - seen.startedAt) / 1000, 1),
      ...figures.more,
    },
  };
}
