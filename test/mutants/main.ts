/**
 * Puts one mistake after the other into the sources, as they are loaded, and has the simulation find each.
 *
 * Usage: npm run test:mutants -- [--mutant finalizer] [--seeds 40] [--deadline 20] [--lanes 2] [--trace]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { mistakes } from './mistakes.ts';
import { mutate, StaleMutation, type Mutation, type WorldKind, worldKinds } from './mutation.ts';
import { parseOptions } from './options.ts';
import { play, type Played } from './play.ts';
import { describeOutcome, isCaught, summary, vitestReport, type Outcome } from './report.ts';

const options = parseOptions(process.argv.slice(2));
const root = join(import.meta.dirname, '../..');
const common = Array.from({ length: options.seeds }, (_, index) => index + 1);

/** The seeds of a mutant, in their order: a fixed set. Other worlds than plain ones take longer, and there is one for each mutant. */
function seedsOf({ first = [], world = 'plain' }: Mutation): readonly number[] {
  return [...new Set([...first, ...(world === 'plain' ? common : [])])];
}

/** Sentences on the mutants that the sources have left behind. */
function staleOnes(): readonly string[] {
  return mistakes.flatMap((mutation) => {
    try {
      mutate(readFileSync(join(root, mutation.file), 'utf8'), mutation);
      return [];
    } catch (error) {
      if (error instanceof StaleMutation) return [error.message];
      throw error;
    }
  });
}

/** The very same seeds, with the sources as they are: else a violation says nothing about a mistake. */
async function playControl(): Promise<boolean> {
  const played: Played[] = [];
  for (const world of worldKinds) played.push(...(await playAsTheyAre(world)));
  for (const one of played) if (one.end !== 'nothing') console.log('control:', JSON.stringify(one));
  return played.every(({ end }) => end === 'nothing');
}

function playAsTheyAre(world: WorldKind): Promise<readonly Played[]> {
  const seeds = [...new Set(mistakes.filter((one) => (one.world ?? 'plain') === world).flatMap(seedsOf))];
  const shares = Array.from({ length: options.lanes }, (_, lane) =>
    seeds.filter((_seed, index) => index % options.lanes === lane),
  );
  const deadline = Math.max(60, 5 * options.deadline);
  return Promise.all(shares.map((share) => play({ seeds: share, world, mutation: undefined, deadline })));
}

async function playMutant(mutation: Mutation): Promise<Outcome> {
  const { world = 'plain' } = mutation;
  const played = await play({ seeds: seedsOf(mutation), world, mutation, deadline: options.deadline });
  const outcome = { name: mutation.name, played };
  console.log(describeOutcome(outcome));
  if ('message' in played && (options.trace || !isCaught(outcome))) console.log(`  ${messageOf(played)}`);
  return outcome;
}

function messageOf(played: Played): string {
  return 'message' in played ? played.message : '';
}

async function playAll(): Promise<readonly Outcome[]> {
  const left = mistakes.filter(({ name }) => name.includes(options.mutant ?? ''));
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift())
      outcomes.push(await playMutant(mutation));
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  return outcomes;
}

const stale = staleOnes();
for (const sentence of stale) console.log(sentence);
const control = stale.length === 0 && (await playControl());
if (stale.length === 0 && !control)
  console.log('The sources as they are violate something with these seeds.');
const outcomes = control ? await playAll() : [];
if (options.report !== undefined) {
  mkdirSync(dirname(options.report), { recursive: true });
  writeFileSync(options.report, vitestReport(control, outcomes));
}
console.log(summary(outcomes));
process.exitCode = outcomes.length > 0 && outcomes.every((outcome) => isCaught(outcome)) ? 0 : 1;
