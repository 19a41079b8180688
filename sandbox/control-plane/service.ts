import type { ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { groupLives, signalGroup, spawnBound } from '../binaries/bound-process.ts';
import { awaitCondition } from './condition.ts';

/** How a service is started; a function, because a restart may need other arguments. */
export interface ServiceCommand {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Its output is appended to this file. */
  readonly logFile: string;
}

/** How long a service may take to end after SIGTERM before it is killed, in milliseconds. */
const terminationBound = 10_000;

/** A program of the control plane: it runs, is paused, is restarted with the same arguments, ends with this process. */
export class Service {
  readonly #command: ServiceCommand;
  readonly #log: (line: string) => void;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(command: ServiceCommand, log: (line: string) => void) {
    this.#command = command;
    this.#log = log;
  }

  get name(): string {
    return this.#command.name;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#isRunning() ? this.#child?.pid : undefined;
  }

  async start(): Promise<void> {
    if (this.#isRunning()) throw new Error(`${this.name} is running already.`);
    const { file, args, env, logFile } = this.#command;
    const output = await open(logFile, 'a', 0o600);
    try {
      const child = spawnBound(file, args, {
        stdout: output.fd,
        stderr: output.fd,
        ...(env === undefined ? {} : { env }),
      });
      this.#child = child;
      this.#stopping = false;
      child.on('error', (error) => this.#log(`${this.name} could not be started: ${error.message}`));
      child.on('exit', () => this.#onExit(child));
    } finally {
      await output.close();
    }
  }

  /**
   * Looks until the probe gives something other than undefined or false, and returns that.
   *
   * @throws Error with the end of the service's log, when it ends meanwhile or the time is over.
   */
  async ready<T>(probe: () => Promise<T | undefined | false>, timeoutMs = 60_000): Promise<T> {
    const look = async (): Promise<T | undefined | false> => {
      if (!this.#isRunning()) throw new Error(`${this.name} ended while it was starting.`);
      return probe();
    };
    try {
      return await awaitCondition(look, { what: `${this.name} to be ready`, timeoutMs });
    } catch (error) {
      throw new Error(`${String(error)}\n${await this.#logTail()}`, { cause: error });
    }
  }

  /** Ends it: by SIGTERM and, when that takes longer than 10 s, by SIGKILL; or by SIGKILL at once. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.#isRunning()) return;
    this.#stopping = true;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    // A paused process takes no SIGTERM before it goes on.
    child.kill('SIGCONT');
    const bound = new AbortController();
    const overdue = delay(terminationBound, 'overdue', { signal: bound.signal }).catch(() => 'ended');
    if ((await Promise.race([ended, overdue])) === 'overdue') {
      this.#log(`${this.name} did not end within ${terminationBound / 1000} s; killing it`);
      signalGroup(child, 'SIGKILL');
      await ended;
    }
    bound.abort();
    await untilLeft(child);
  }

  /** Stops its processor time, not its connections: callers see a server that has gone silent. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child?.kill(signal) !== true) throw new Error(`${this.name} is not running.`);
  }

  #isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  #onExit(child: ChildProcess): void {
    // Whatever it started, and the reader of its pipe.
    signalGroup(child, 'SIGKILL');
    if (this.#stopping) return;
    this.#log(
      `${this.name} ended unexpectedly (${child.signalCode ?? child.exitCode}); see ${this.#command.logFile}`,
    );
  }

  async #logTail(): Promise<string> {
    const text = await readFile(this.#command.logFile, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-15).join('\n');
  }
}

/** The reader of its pipe ends right after it. One that nobody reaps is not waited for. */
async function untilLeft(child: ChildProcess): Promise<void> {
  const left = (): Promise<boolean> => Promise.resolve(!groupLives(child));
  await awaitCondition(left, { what: 'its process group to end', timeoutMs: 2000, intervalMs: 2 }).catch(
    () => undefined,
  );
}
