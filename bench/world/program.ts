import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Where the bundle's main chunk is. */
export const BUNDLE = join(root, 'dist', 'main.js');

/**
 * The operator as docs/operations.md says that it is started: bundled, without what only development needs, and with a heap
 * that is cleaned up sooner than V8 would by itself, which lets garbage grow to several times what is in use.
 */
export const PROGRAM = ['--max-semi-space-size=8', '--heap-growing-percent=20', BUNDLE] as const;

/**
 * Its environment beside what a pod has: one heap of the C library for all threads, of which what is freed goes back to the machine
 * at once (docs/adr/0019).
 */
export const PROGRAM_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '65536',
} as const;

/** Bundles the sources of this moment. @throws Error with the bundler's words. */
export function buildProgram(): void {
  execFileSync(process.execPath, [join(root, 'tools', 'build.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
