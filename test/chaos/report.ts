import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { isDoneWrite } from '../support/audit.ts';
import { vitestReport } from '../support/vitest-report.ts';
import { secondsOf } from './dead.ts';
import { timeOf, type Dead, type Wrong } from './oracles.ts';
import { partsOf, type World } from './world.ts';

/** What a run is judged by. */
export interface Verdict {
  /** How many rotations were asked for, or those that there were, if fewer. */
  readonly rotations: number;
  /** Whether there were as many as asked for. */
  readonly enough: boolean;
  readonly dead: readonly Dead[];
  readonly lost: readonly Wrong[];
  readonly stuck: readonly Wrong[];
}

export function isGood({ enough, dead, lost, stuck }: Verdict): boolean {
  return enough && dead.length + lost.length + stuck.length === 0;
}

function deadSeconds({ dead }: Verdict): number {
  return secondsOf(dead.flatMap(({ spans }) => spans));
}

/** The last line. */
export function summary(verdict: Verdict): string {
  const { rotations, lost, stuck } = verdict;
  return [
    `chaos: rotations ${String(rotations)}`,
    `dead-credential seconds ${String(deadSeconds(verdict))}`,
    `lost leases ${String(lost.length)}`,
    `stuck objects ${String(stuck.length)}`,
  ].join(', ');
}

/** The verdict in the form of Vitest's JSON report: one test for each thing that must hold. */
export function reportOf({ enough, dead, lost, stuck }: Verdict): string {
  return vitestReport('test/chaos', [
    { title: 'there are as many rotations as asked for', passed: enough },
    {
      title: 'the Secret of an object that has been Ready holds a credential that works',
      passed: dead.length === 0,
    },
    { title: 'no lease lives that nobody names', passed: lost.length === 0 },
    { title: 'when all is calm every object is Ready, or gone when deleted', passed: stuck.length === 0 },
  ]);
}

/** "cut 3, slow 4", sorted. */
export function countsLine(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted(([one], [other]) => one.localeCompare(other));
  return sorted.map(([what, count]) => `${what} ${String(count)}`).join(', ');
}

/** So many objects are told of at length. */
const MOST_TOLD = 5;

/** What is known of everything that went wrong: enough to find out why. Never a credential. */
export async function describe(
  verdict: Verdict,
  world: World,
  ledger: readonly LedgerEntry[],
): Promise<readonly string[]> {
  const { dead, lost, stuck } = verdict;
  const lines = [
    ...dead.flatMap(({ life, spans }) =>
      spans.map(({ from, to }) => `dead: ${life.key} from ${timeOf(from)} to ${timeOf(to)}`),
    ),
    ...lost.map(({ key, seen }) => `lost: ${String(key)}: ${seen}`),
    ...stuck.map(({ key, seen }) => `stuck: ${String(key)}: ${seen}`),
  ];
  const keys = new Set([
    ...dead.map(({ life }) => life.key),
    ...[...lost, ...stuck].flatMap(({ key }) => key ?? []),
  ]);
  for (const key of [...keys].slice(0, MOST_TOLD)) lines.push(...(await storyOf(key, world, ledger)));
  return lines;
}

/** So many of an object's last lines of a kind are told. */
const MOST_LINES = 400;

/** All that happened to an object, by the API server, the lease API and the suite, in order. */
async function storyOf(
  key: string,
  world: World,
  ledger: readonly LedgerEntry[],
): Promise<readonly string[]> {
  const { namespace, name } = partsOf(key);
  const lives = world.history.lives.filter((life) => life.key === key);
  const uids = new Set(lives.map(({ uid }) => uid));
  const audit = (await world.surroundings.audit(namespace))
    .filter((event) => event.name === name && (isDoneWrite(event) || event.responseCode !== 200))
    .map(({ timestamp, user, verb, resource, responseCode }): [string, string] => [
      timestamp,
      `audit: ${user} ${verb} ${resource}: ${String(responseCode)}`,
    ]);
  const leases = ledger
    .filter(({ tag }) => tag !== null && uids.has(tag.object))
    .map(({ at, event, leaseId, dynamicSecret }): [string, string] => [
      timeOf(at),
      `ledger: ${event} ${String(dynamicSecret)} ${String(leaseId)}`,
    ]);
  const seen = lives.flatMap((life) => [
    ...life.held.map(({ from, lease }): [string, string] => [timeOf(from), `Secret: ${String(lease)}`]),
    ...life.excused.map(({ from, to }): [string, string] => [timeOf(from), `excused until ${timeOf(to)}`]),
    ...life.logins
      .filter(({ works }) => !works)
      .map(({ at }): [string, string] => [timeOf(at), 'database: the login was refused']),
  ]);
  const all = [...audit, ...leases, ...seen].toSorted(([one], [other]) => one.localeCompare(other));
  return [`${key}:`, ...all.slice(-MOST_LINES).map(([at, what]) => `  ${at} ${what}`)];
}
