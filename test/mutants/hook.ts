/** Loaded before anything else (`--import`): puts one mistake into the source of its module while that is loaded. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

import { mistakes } from './mistakes.ts';
import { mutate } from './mutation.ts';
import { MUTANT } from './variable.ts';

const name = process.env[MUTANT];
const mutation = mistakes.find((one) => one.name === name);
if (mutation === undefined) throw new RangeError(`There is no mutant "${String(name)}".`);
const target = new URL(`../../${mutation.file}`, import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    return { ...loaded, source: mutate(readFileSync(fileURLToPath(url), 'utf8'), mutation) };
  },
});
