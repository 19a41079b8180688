import { join } from 'node:path';

import type { BuildOptions } from 'esbuild';

import { lean } from './lean.ts';

const root = join(import.meta.dirname, '..');

/** Libraries in CommonJS ask for Node's own modules by `require`, which modules do not have. */
const REQUIRE =
  "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);";

/** How the program is bundled: `main.js`, and beside it what is loaded only when it is used. */
export const bundle = {
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  banner: { js: REQUIRE },
  metafile: true,
  plugins: [lean(root)],
  legalComments: 'linked',
} as const satisfies BuildOptions;
