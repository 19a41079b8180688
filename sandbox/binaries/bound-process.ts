import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A shell in between keeps one end of a pipe whose other end only this process holds. When that end closes, by
 * an exit, a crash or a `kill -9` of this process, a background reader ends the whole process group. `kill 0`
 * names the reader's own group, which cannot be reused while the reader is in it, as a remembered pid could.
 * The shell then becomes the command, so that the child's pid, signals and exit status are the command's own.
 */
const supervise = `
exec 3<&0
(read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
`;

export interface BoundProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Where its output goes: an open file's descriptor, a pipe to read from, or nowhere. */
  readonly stdout: number | 'pipe' | 'ignore';
  readonly stderr: number | 'pipe' | 'ignore';
}

/**
 * Starts a command that ends when this process ends, however it ends, together with all that it started.
 * It is a process group and session of its own: a Ctrl-C at the terminal does not reach it, so that an orderly
 * stop can come first.
 */
export function spawnBound(
  command: string,
  args: readonly string[],
  { cwd, env, stdout, stderr }: BoundProcessOptions,
): ChildProcess {
  return spawn('/bin/sh', ['-c', supervise, 'sh', command, ...args], {
    detached: true,
    stdio: ['pipe', stdout, stderr],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
}

/** Sends a signal to a bound process and all that it started. A group that is gone already is no error. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Whether a bound process, or anything that it started, is still there: also one that has ended and was not reaped. */
export function groupLives(child: ChildProcess): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, 0);
  } catch (error) {
    if (!isGone(error)) throw error;
    return false;
  }
}

/** macOS answers EPERM for a group of which only unreaped processes are left. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');
}
