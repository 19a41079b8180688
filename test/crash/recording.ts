import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
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

async function record(surroundings: Surroundings, life: LifeKind, server: ServerKind): Promise<Recording> {
  const lives = Array.from({ length: RECORDED_LIVES }, () => run(surroundings, { life, server, faults: [] }));
  return { life, server, lives: await Promise.all(lives) };
}

/** @throws Error when a life goes wrong without a fault. */
export async function findPoints(surroundings: Surroundings, options: Options): Promise<readonly Point[]> {
  const recordings = await Promise.all(
    options.lives.flatMap((life) => options.servers.map((server) => record(surroundings, life, server))),
  );
  for (const { life, server, lives } of recordings) {
    for (const { violations, trace } of lives) {
      if (options.trace) console.log(trace.join('\n'));
      if (violations.length === 0) continue;
      console.log(trace.join('\n'));
      throw new Error(`A life without a fault went wrong, ${life}, ${server}: ${JSON.stringify(violations)}`);
    }
  }
  return recordings.flatMap(({ life, server, lives }) =>
    pointsOf(lives)
      .map((occasion) => ({ ...occasion, life, server }))
      .filter((point) => momentsOf(point, options.moments).length > 0)
      .map((point, index) => ({ ...point, number: index + 1 })),
  );
}
