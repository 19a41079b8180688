import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
import { lanesFor } from './idle.ts';
import { inLanes } from './lanes.ts';
import type { LifeKind, Options } from './options.ts';
import { momentsOf, pointsOf } from './points.ts';
import type { Point } from './report.ts';
import { run, type RunResult } from './run.ts';

/** So many lives without a fault tell what the requests of a life are: with fewer, one that only its timing made counts. */
const RECORDED_LIVES = 4;

interface Recording {
  readonly life: LifeKind;
  readonly server: ServerKind;
  readonly lives: readonly RunResult[];
}

/**
 * In the lanes of the lives with a fault: all of them at once, and at the same step, each would be slower than any of those,
 * and rotate once more.
 *
 * @throws Error when a life goes wrong without a fault.
 */
async function record(
  surroundings: Surroundings,
  { servers, lives, lanes, trace: prints }: Options,
): Promise<readonly Recording[]> {
  const kinds = lives.flatMap((life) => servers.map((server) => ({ life, server })));
  const all = Array.from({ length: RECORDED_LIVES }, () => kinds).flat();
  const results = await inLanes(lanesFor(lanes), all, async (kind) => {
    const result = await run(surroundings, { ...kind, faults: [] });
    const { violations, trace } = result;
    if (prints || violations.length > 0) console.log(trace.join('\n'));
    if (violations.length === 0) return { ...kind, result };
    const { life, server } = kind;
    throw new Error(`A life without a fault went wrong, ${life}, ${server}: ${JSON.stringify(violations)}`);
  });
  return kinds.map(({ life, server }) => {
    const own = results.filter((one) => one.life === life && one.server === server);
    return { life, server, lives: own.map(({ result }) => result) };
  });
}

/** @throws Error when a life goes wrong without a fault. */
export async function findPoints(surroundings: Surroundings, options: Options): Promise<readonly Point[]> {
  const recordings = await record(surroundings, options);
  return recordings.flatMap(({ life, server, lives }) =>
    pointsOf(lives)
      .map((occasion) => ({ ...occasion, life, server }))
      .filter((point) => momentsOf(point, options.moments).length > 0)
      .map((point, index) => ({ ...point, number: index + 1 })),
  );
}
