import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The operator as it is shipped: bundled, and without what only development needs. */
export const PROGRAM = join(root, 'dist', 'main.js');

/** Bundles the sources of this moment. @throws Error with the bundler's words. */
export function buildProgram(): void {
  execFileSync(process.execPath, [join(root, 'tools', 'build.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
