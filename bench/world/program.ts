import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * The operator as it is shipped: bundled, without what only development needs, and with a heap that is cleaned up sooner
 * than V8 would by itself. Long after a burst it has what it had then: a garbage of several times the live objects.
 */
export const PROGRAM = [
  '--max-semi-space-size=8',
  '--heap-growing-percent=20',
  join(root, 'dist', 'main.js'),
] as const;

/** Bundles the sources of this moment. @throws Error with the bundler's words. */
export function buildProgram(): void {
  execFileSync(process.execPath, [join(root, 'tools', 'build.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
