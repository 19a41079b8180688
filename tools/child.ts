import { spawn } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';

/** A command that a tool of this repository runs. */
export interface Command {
  /** A line for the shell, or a program and its arguments. */
  readonly run: string | readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** `inherit` shows the output while it comes, `capture` keeps it. */
  readonly output: 'inherit' | 'capture';
  /** After so many milliseconds the command is stopped. */
  readonly deadline: number;
  /** Stops the command. */
  readonly signal: AbortSignal;
}

export interface Outcome {
  /** The exit code; 128 when the command was ended by a signal, 127 when it could not be started. */
  readonly code: number;
  /** What was captured, both streams as they came. */
  readonly output: string;
  readonly seconds: number;
}

/** How long a stopped command may tidy up before it is killed, in milliseconds. */
const GRACE = 10_000;

/**
 * Runs a command to its end; it never rejects. The command gets a process group of its own, so that stopping it
 * reaches everything that it has started.
 */
export function runCommand({ run, cwd, env, output, deadline, signal }: Command): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const started = performance.now();
  const stream = output === 'inherit' ? 'inherit' : 'pipe';
  const options: SpawnOptions = { cwd, env, detached: true, stdio: ['ignore', stream, stream] };
  const child =
    typeof run === 'string' ? spawn(run, { ...options, shell: true }) : spawn(run[0], run.slice(1), options);
  const chunks: Buffer[] = [];
  for (const source of [child.stdout, child.stderr])
    source?.on('data', (chunk: Buffer) => chunks.push(chunk));

  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    signalGroup(child.pid, 'SIGTERM');
    timers.push(setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE));
  };
  timers.push(setTimeout(stop, deadline));
  signal.addEventListener('abort', stop, { once: true });

  const finish = (code: number, remark = ''): void => {
    timers.forEach((timer) => clearTimeout(timer));
    signal.removeEventListener('abort', stop);
    const seconds = (performance.now() - started) / 1000;
    resolve({ code, output: Buffer.concat(chunks).toString('utf8') + remark, seconds });
  };
  child.on('error', (error) => finish(127, `${error.message}\n`));
  child.on('close', (code) => finish(code ?? 128));
  if (signal.aborted) stop();
  return promise;
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // The group has ended by itself.
  }
}
