/**
 * A program of its own that owns one PostgreSQL server: it prepares the data folder, runs the server, and when its
 * standard input closes, which happens however its parent ends, stops the server and removes every file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { z } from 'zod';

const command = z.object({ file: z.string(), args: z.array(z.string()) });

/** What the supervisor is told: its only argument, as JSON. */
const supervision = z.object({
  folder: z.string(),
  account: z.object({ uid: z.number(), gid: z.number() }).optional(),
  steps: z.array(command),
});
export type Supervision = z.infer<typeof supervision>;

/** Runs the steps one after the other until one fails or the parent is gone; resolves with the exit code. */
async function supervise({ folder, account, steps }: Supervision): Promise<number> {
  let running: ChildProcess | undefined;
  let stopping = false;
  const stop = (): void => {
    stopping = true;
    // The fast shutdown of PostgreSQL: sessions are cut, the data folder is left in order.
    running?.kill('SIGINT');
  };
  process.stdin.on('close', stop).on('error', stop).resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // Nobody reads the log any more once the parent is gone.
  process.stderr.on('error', stop);

  let code = 0;
  for (const { file, args } of steps) {
    if (stopping || code !== 0) break;
    running = spawn(file, args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'inherit', 'inherit'],
      ...account,
    });
    code = await ended(running);
  }
  rmSync(folder, { recursive: true, force: true });
  return stopping ? 0 : code;
}

async function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      resolve(code ?? 1);
    });
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
  });
}

process.exitCode = await supervise(supervision.parse(JSON.parse(process.argv[2] ?? '')));
// The pipe from the parent would otherwise keep this process alive after a server that ended by itself.
process.stdin.destroy();
