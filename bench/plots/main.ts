/**
 * Draws what `npm run bench -- --save FILE` has kept, or prints the table of its medians.
 *
 * Usage: npm run bench:plots -- RESULTS.jsonl... --out docs/figures
 *        npm run bench:table -- RESULTS.jsonl...
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { parseLines, UnreadableResults, type SavedRun } from '../saved/line.ts';
import { costFigure } from './cost.ts';
import { memoryOverTimeFigure } from './memory-over-time.ts';
import { memoryFigure } from './memory.ts';
import { parsePlotOptions, type PlotOptions } from './options.ts';
import { readinessFigure } from './readiness.ts';
import { tableOf } from './table.ts';

const FIGURES: Readonly<Record<string, (runs: readonly SavedRun[]) => string | undefined>> = {
  'readiness.svg': readinessFigure,
  'cost.svg': costFigure,
  'memory.svg': memoryFigure,
  'memory-over-time.svg': memoryOverTimeFigure,
};

async function draw({ files, out, table }: PlotOptions): Promise<void> {
  const read = files.map(async (file) => parseLines(await textOf(file), file));
  const runs = (await Promise.all(read)).flat();
  if (runs.length === 0) throw new UnreadableResults(`No runs in ${files.join(', ')}.`);
  if (table) process.stdout.write(tableOf(runs));
  if (out === undefined) return;
  await mkdir(out, { recursive: true });
  for (const [name, figure] of Object.entries(FIGURES)) {
    const svg = figure(runs);
    if (svg === undefined) console.error(`${name} is not drawn: none of the runs is for it.`);
    else await writeFile(path.join(out, name), svg);
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UnreadableResults(`${file} cannot be read.`, { cause: error });
  }
}

try {
  await draw(parsePlotOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UnreadableResults)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
