/**
 * The demo: `npm run demo`. Exit code 0 when everything was as it should be, 1 when something was not, 2 for a wrong
 * flag, 130 when it was interrupted.
 */
import { once } from 'node:events';

import { createCheck, ExpectationFailed } from './check.ts';
import { interruptedCode, interruption } from './interruption.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { parseOptions, usage } from './options.ts';
import type { Actors } from './scene.ts';
import { play } from './story.ts';

/** How many lines of the operator's log a failure shows. */
const shownLines = 12;

async function main(): Promise<number> {
  const choice = parseOptions(process.argv.slice(2));
  if (choice.kind === 'help') {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  if (choice.kind === 'refused') {
    process.stderr.write(`${choice.fault}\n\n${usage}\n`);
    return 2;
  }
  return run(choice.keep);
}

async function run(keep: boolean): Promise<number> {
  let actors: Actors | undefined;
  let isStaying = false;
  let isOver = false;
  const narrator = createNarrator({
    write: (text) => void (isOver || process.stdout.write(text)),
    bold: process.stdout.isTTY,
    now: () => performance.now(),
  });
  const interrupted = interruption();
  const end = once(interrupted, 'abort');
  const stay = async (): Promise<void> => {
    isStaying = true;
    await end;
  };
  await using running = new AsyncDisposableStack();
  const played = play(
    { narrator, check: createCheck((sentence) => narrator.holds(sentence)) },
    { running, interrupted, onStarted: (all) => void (actors = all), stay: keep ? stay : undefined },
  ).then(
    () => 0,
    async (error: unknown) => {
      // What is under way fails when its surroundings go, and that is nobody's interest.
      if (interrupted.aborted && !isStaying) return interruptedCode;
      await report(narrator, error, actors);
      return 1;
    },
  );
  const stopped = end.then(() => {
    if (isStaying) return played;
    narrator.heading('Interrupted; everything is ended and removed.');
    isOver = true;
    return interruptedCode;
  });
  return await Promise.race([played, stopped]);
}

/** Says how the objects stand, the last words of the operator, and what went wrong. */
async function report(narrator: Narrator, error: unknown, actors: Actors | undefined): Promise<void> {
  if (actors !== undefined) {
    narrator.heading('Something is not as it should be. The objects now:');
    // The API server may be what failed.
    await actors.terminal
      .kubectl('get', 'infisicalconnections,dynsec,dsl', '-o', 'yaml')
      .catch(() => undefined);
    narrator.say("The last lines of the operator's log:");
    narrator.output(actors.operator.output().split('\n').slice(-shownLines).join('\n'));
  }
  narrator.heading('FAILED');
  if (error instanceof ExpectationFailed) {
    narrator.say(`should be: ${error.message}`, `expected:  ${error.expected}`, `found:     ${error.found}`);
  } else {
    narrator.say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

// Whoever reads the output may leave before its end.
process.stdout.on('error', () => process.exit(1));
process.exit(await main());
