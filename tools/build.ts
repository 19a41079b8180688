/**
 * Bundles the program into `dist/`, for the image and for whoever measures it: `dist/main.js`, and beside it what is loaded
 * only when it is used. The same sources give the same bytes, wherever they lie.
 *
 * Usage: npm run build [-- --out FOLDER]
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { build } from 'esbuild';

import { bundle } from './bundle.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } });
const outdir = resolve(values.out);

// The folder is emptied: a named one that holds anything else would lose it.
if (relative(outdir, root) === '' || !relative(outdir, root).includes('..'))
  throw new Error('--out must not hold the sources.');
rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({ ...bundle, outdir });
writeFileSync(join(outdir, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
for (const [file, { bytes }] of Object.entries(metafile.outputs))
  if (file.endsWith('.js')) console.log(`${file.padEnd(40)} ${String(Math.ceil(bytes / 1024))} KiB`);
