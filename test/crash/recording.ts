import type { ServerKind } from '../support/server-kind.ts';
import type { Surroundings } from '../support/surroundings.ts';
import type { Options } from './options.ts';
import { pointsOf } from './points.ts';
import type { Point } from './report.ts';
import { run, type RunResult } from './run.ts';

/** So many lives without a fault tell what the requests of a life are: with fewer, one that only its timing made counts. */
const RECORDED_LIVES = 4;

async function recordLives(surroundings: Surroundings, server: ServerKind): Promise<readonly RunResult[]> {
  const lives = Array.from({ length: RECORDED_LIVES }, () => run(surroundings, server, []));
  return Promise.all(lives);
}

/** @throws Error when a life goes wrong without a fault. */
export async function findPoints(surroundings: Surroundings, options: Options): Promise<readonly Point[]> {
  const recorded = await Promise.all(
    options.servers.map(async (server) => ({ server, lives: await recordLives(surroundings, server) })),
  );
  for (const { server, lives } of recorded) {
    for (const { violations, trace } of lives) {
      if (options.trace) console.log(trace.join('\n'));
      if (violations.length === 0) continue;
      console.log(trace.join('\n'));
      throw new Error(`A life without a fault went wrong, ${server}: ${JSON.stringify(violations)}`);
    }
  }
  return recorded.flatMap(({ server, lives }) =>
    pointsOf(lives.map((life) => life.points)).map((name, index) => ({ server, name, number: index + 1 })),
  );
}
