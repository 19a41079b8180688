import { fork } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { SeedResult } from '../simulation/run.ts';
import type { Task } from '../simulation/task.ts';
import type { Mutation, WorldKind } from './mutation.ts';
import { MUTANT } from './variable.ts';

/** What became of some seeds. `seconds`: by the wall. */
export type Played = { readonly seconds: number } & (
  | { readonly end: 'violation'; readonly seed: number; readonly invariant: string; readonly message: string }
  /** Every seed was played, and nothing was violated. */
  | { readonly end: 'nothing' }
  /** Time was over, in the middle of a seed. */
  | { readonly end: 'late'; readonly seed: number }
  /** The process of the simulation could not go on. */
  | { readonly end: 'broken'; readonly message: string }
);

export interface Game {
  readonly seeds: readonly number[];
  readonly world: WorldKind;
  /** Undefined: the sources as they are. */
  readonly mutation: Mutation | undefined;
  /** Seconds after which the process is killed. */
  readonly deadline: number;
}

const WORKER = join(import.meta.dirname, '../simulation/worker.ts');
const HOOK = pathToFileURL(join(import.meta.dirname, 'hook.ts')).href;

/** Plays seeds of the simulation in a process of its own, until one violates something or time is over. */
export function play({ seeds, world, mutation, deadline }: Game): Promise<Played> {
  const { promise, resolve } = Promise.withResolvers<Played>();
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const worker = fork(WORKER, {
    serialization: 'advanced',
    ...(mutation === undefined
      ? {}
      : { execArgv: ['--import', HOOK], env: { ...process.env, [MUTANT]: mutation.name } }),
  });
  const left = [...seeds];
  // What ends the process last does not count: the first to say why it ends is right.
  const end = (result: Played): void => {
    clearTimeout(timer);
    worker.kill('SIGKILL');
    resolve(result);
  };
  const timer = setTimeout(() => {
    end({ end: 'late', seed: left[0] ?? 0, seconds: seconds() });
  }, deadline * 1000);
  const proceed = (): void => {
    const [seed] = left;
    if (seed === undefined) end({ end: 'nothing', seconds: seconds() });
    else
      worker.send({
        seed,
        trace: false,
        steady: true,
        declares: world === 'declared',
        pods: world === 'pods',
      } satisfies Task);
  };
  worker.on('message', ({ seed, violation }: SeedResult) => {
    left.shift();
    if (violation === undefined) proceed();
    else end({ ...outcomeOf(seed, violation), seconds: seconds() });
  });
  worker.on('error', ({ message }) => end({ end: 'broken', message, seconds: seconds() }));
  worker.on('exit', (code) =>
    end({ end: 'broken', message: `it ended with code ${String(code)}`, seconds: seconds() }),
  );
  proceed();
  return promise;
}

type Outcome =
  { end: 'violation'; seed: number; invariant: string; message: string } | { end: 'broken'; message: string };

/** What the simulation's own code throws is no finding about the operator. */
function outcomeOf(
  seed: number,
  { invariant, message }: { readonly invariant: string; readonly message: string },
): Outcome {
  return invariant === 'harness'
    ? { end: 'broken', message: `seed ${String(seed)}: ${message}` }
    : { end: 'violation', seed, invariant, message };
}
