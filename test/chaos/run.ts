import { z } from 'zod';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import type { LedgerEntry } from '../../sandbox/lease-api/ledger.ts';
import { isDoneWrite } from '../support/audit.ts';
import { seeded } from '../simulation/random.ts';
import { strikeUntil } from './blows.ts';
import { logInUntil } from './logins.ts';
import type { Options } from './options.ts';
import { deadCredentials, ranOut, stuck, unnamed, type Wrong } from './oracles.ts';
import { startPair } from './pair.ts';
import type { Verdict } from './report.ts';
import { drawActs, drawBlows } from './schedule.ts';
import { actUntil, recreateGone } from './tenants.ts';
import { CALM_WITHIN, GONE_WITHIN, IN_FLIGHT } from './timing.ts';
import { startWeather } from './weather.ts';
import { startWorld, type World } from './world.ts';

export interface Outcome extends AsyncDisposable {
  readonly verdict: Verdict;
  /** Counts, by what they are of. */
  readonly figures: Readonly<Record<string, ReadonlyMap<string, number>>>;
  readonly world: World;
  readonly ledger: readonly LedgerEntry[];
}

/** Every object makes its first lease, then a rotation takes no longer than this on a slow machine. */
const BEGINNING = 180_000;
const EACH = 1000;

/** Lives through one run. @param logs the folder for the operators' logs. */
export async function run({ rotations, seed }: Options, logs: string): Promise<Outcome> {
  const began = Date.now();
  const random = seeded(seed);
  const [faults, blows, acts] = [random.fork(), random.fork(), random.fork()];
  await using stack = new AsyncDisposableStack();
  const weather = startWeather(faults);
  const world = stack.use(await startWorld(weather, logs));
  const pair = stack.use(startPair(world.kubeconfigs, logs));
  const { history, api, surroundings } = world;
  await world.createAll();

  const ending = new AbortController();
  const calmDown = new AbortController();
  const loggingIn = logInUntil(ending.signal, surroundings.postgres, history);
  const striking = strikeUntil(calmDown.signal, { world, pair }, drawBlows(blows));
  const acting = actUntil(calmDown.signal, world, drawActs(acts));
  const disturbing = Promise.all([striking, acting]);
  const enough = await Promise.race([
    until(() => Promise.resolve(history.rotations() >= rotations), BEGINNING + rotations * EACH),
    // They end only by a fault of the suite's own.
    disturbing.then(() => false),
  ]);
  const turmoil = Date.now() - began;
  calmDown.abort();
  const [struck, acted] = await disturbing;
  weather.calm();

  const calmFrom = Date.now();
  const healed = await until(async () => {
    await recreateGone(world);
    return (await stuck(world)).length + (await unnamed(world)).length === 0;
  }, CALM_WITHIN);
  const calmAfter = Date.now() - calmFrom;
  // A second look would find rotations that have begun since.
  const wrong = healed ? NOTHING : await wrongIn(world);
  const measuredUntil = Date.now();
  ending.abort();
  const logins = await loggingIn;

  await Promise.all(history.present().map(({ key }) => world.remove(key)));
  const isGone = async (): Promise<boolean> =>
    history.present().length + (await api.live()).leases.length === 0;
  const remaining = (await until(isGone, GONE_WITHIN)) ? NOTHING : await wrongIn(world);
  const leaderChanges = await transitions(world);
  await pair.stop();

  const ledger = api.ledger.entries();
  const verdict: Verdict = {
    rotations: enough ? rotations : history.rotations(),
    enough,
    dead: deadCredentials(history, ledger, measuredUntil),
    lost: distinct([...wrong.lost, ...remaining.lost, ...ranOut(world, ledger)]),
    stuck: distinct([...wrong.stuck, ...remaining.stuck]),
  };
  const audit = await surroundings.stage.plane.audit.events();
  const writes = audit.filter((event) => event.user === surroundings.stage.user && isDoneWrite(event));
  const figures = {
    'faults of requests': weather.counts,
    blows: struck,
    acts: acted,
    leases: countBy(ledger.map(({ event }) => event)),
    'writes of the operators': countBy(writes.map(({ verb, resource }) => `${verb} ${resource}`)),
    counts: new Map([
      ['rotations', history.rotations()],
      ['processes', pair.started()],
      ['leader changes', leaderChanges],
      ['logins', logins],
      ['seconds of turmoil', Math.round(turmoil / 1000)],
      ['seconds to calm', Math.round(calmAfter / 1000)],
      ['seconds', Math.round((Date.now() - began) / 1000)],
    ]),
  };
  const all = stack.move();
  return { verdict, figures, world, ledger, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Waits for a condition, as long as allowed. @returns whether it came. */
async function until(probe: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const options = { what: 'it', timeoutMs, intervalMs: 250 };
  return awaitCondition(probe, options).catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith('Waited ')) return false;
    throw error;
  });
}

type Wrongs = Pick<Verdict, 'lost' | 'stuck'>;

const NOTHING: Wrongs = { lost: [], stuck: [] };

async function wrongIn(world: World): Promise<Wrongs> {
  return { lost: await unnamed(world, IN_FLIGHT), stuck: await stuck(world) };
}

function distinct(wrongs: readonly Wrong[]): readonly Wrong[] {
  return [...new Map(wrongs.map((wrong) => [`${String(wrong.key)} ${wrong.seen}`, wrong])).values()];
}

function countBy(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

const electionLease = z.object({ spec: z.object({ leaseTransitions: z.number() }) });

/** How often the lead has changed hands, by the election's own object. */
async function transitions({ surroundings }: World): Promise<number> {
  const at = '/apis/coordination.k8s.io/v1/namespaces/leaseholder-system/leases/leaseholder';
  return electionLease.parse(await surroundings.stage.read(at)).spec.leaseTransitions;
}
