import { fill, type Filled } from '../../../../src/secret/template.ts';

/** Milliseconds that one template may take, from its text to its result. */
export const MOST_TIME = 50;

const TRIES = 3;

/** The time of the processor that this thread has used, in milliseconds: others on the machine do not count. */
function busy(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** What comes of a template, and what it costs. What takes long once, as when memory is collected, is tried again. */
export function measured(
  template: string,
  values: Readonly<Record<string, unknown>>,
): { readonly filled: Filled; readonly time: number } {
  let best = Infinity;
  for (let tries = 0; ; tries += 1) {
    const since = busy();
    const filled = fill(template, values);
    best = Math.min(best, busy() - since);
    if (best < MOST_TIME || tries === TRIES) return { filled, time: best };
  }
}

/** A result in a word: the text, or what is wrong. */
export function outcomeOf(filled: Filled): string {
  if (filled.ok) return filled.text;
  return filled.problem === 'missing' ? `missing ${filled.names.join(' ')}`.trim() : filled.problem;
}
