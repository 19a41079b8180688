import manifest from '../package.json' with { type: 'json' };
import type { Streams } from './commands.ts';

/** What a command line asks for instead of a run, or what is wrong with it. */
export type NoRun =
  | { readonly ok: false; readonly faults: readonly string[] }
  | { readonly help: string }
  | { readonly version: true };

/** Whether a command line asks for a run. */
export function isRun<Run extends { readonly ok: true }>(parsed: Run | NoRun): parsed is Run {
  return 'ok' in parsed && parsed.ok;
}

/** Says it. @returns the exit code: 0, or 2 for a command line that is wrong. */
export function answer(parsed: NoRun, { print, complain }: Pick<Streams, 'print' | 'complain'>): 0 | 2 {
  if ('faults' in parsed) {
    complain(`${parsed.faults.join('\n')}\n`);
    return 2;
  }
  print(`${'help' in parsed ? parsed.help : manifest.version}\n`);
  return 0;
}
