import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

import { signalGroup, spawnBound } from '../binaries/bound-process.ts';
import { awaitCondition } from '../control-plane/condition.ts';

const root = path.join(import.meta.dirname, '..', '..');

/** Where Node keeps what it made of the sources: an operator is started hundreds of times, and takes half as long so. */
const compileCache = path.join(root, 'node_modules', '.cache', 'compile');

/** The program that is shipped. */
const program = path.join(root, 'src', 'main.ts');

/**
 * Where connections of the sandbox lead: its lease API is on loopback, and without TLS. As shipped the operator goes
 * nowhere like that; so it is always said here, in a flag.
 */
export const SANDBOX_HOSTS = ['public', '127.0.0.1', 'http://127.0.0.1'].join(',');

export interface OperatorOptions {
  /** Default: none; then the environment and the flags say where it is, as they do in a pod. */
  readonly kubeconfig?: string;
  /**
   * Further flags. Without `--listen` among them there are no probes and no metrics, without `--allowed-hosts` it is
   * {@link SANDBOX_HOSTS}.
   */
  readonly flags?: readonly string[];
  /** Variables of its environment. Default: none but PATH, and Node's own for the cache of what it compiles. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another entry point of the same composition, with what it takes before the flags. Default: src/main.ts. */
  readonly entry?: readonly [file: string, ...first: string[]];
  /** Takes each log line, parsed. */
  readonly onLine?: (line: LogLine) => void;
}

const logLine = z.looseObject({ level: z.string(), msg: z.string() });

export type LogLine = z.infer<typeof logLine>;

/** An operator in a process of its own. */
export interface OperatorProcess extends AsyncDisposable {
  readonly pid: number;
  /** Every log line so far. */
  readonly lines: readonly LogLine[];
  /** Everything that it printed, as it came. */
  output(): string;
  /** Resolves when it works. */
  ready(): Promise<void>;
  /** Resolves when it has ended, whatever ended it. @returns the exit code; null when it was killed. */
  ended(): Promise<number | null>;
  /** SIGTERM. @returns the exit code; null when it had to be killed. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/** Starts the operator on the Node that runs this. It ends when this process does. */
export function startOperatorProcess(options: OperatorOptions): OperatorProcess {
  const { kubeconfig, flags = [], environment = {}, entry = [program], onLine } = options;
  const listen = names(flags, '--listen') ? [] : ['--listen', 'off'];
  const hosts = names(flags, '--allowed-hosts') ? [] : ['--allowed-hosts', SANDBOX_HOSTS];
  const way = kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig];
  const args = [...entry, ...way, ...listen, ...hosts, ...flags];
  const env = { NODE_COMPILE_CACHE: compileCache, ...environment, PATH: process.env['PATH'] };
  const child = spawnBound(process.execPath, args, { cwd: root, env, stdout: 'pipe', stderr: 'pipe' });
  const lines: LogLine[] = [];
  const raw: string[] = [];
  const take = (text: string): void => {
    raw.push(text);
    const line = parseLine(text);
    if (line === undefined) return;
    lines.push(line);
    onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', take);
  }
  const ended = once(child, 'exit');

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) signalGroup(child, signal);
    await ended;
    return child.exitCode;
  }

  return {
    pid: child.pid ?? 0,
    lines,
    output: () => raw.join('\n'),
    ready: async () => {
      await awaitCondition(
        () => {
          if (child.exitCode !== null) throw new Error(`The operator ended: ${raw.slice(-5).join('\n')}`);
          return Promise.resolve(lines.some((line) => line.msg === 'The operator is ready.'));
        },
        { what: 'the operator to be ready' },
      );
    },
    ended: async () => {
      await ended;
      return child.exitCode;
    },
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  };
}

/** Whether a flag is given, in either way: `--name VALUE` or `--name=VALUE`. */
function names(flags: readonly string[], name: string): boolean {
  return flags.some((flag) => flag === name || flag.startsWith(`${name}=`));
}

function parseLine(text: string): LogLine | undefined {
  try {
    return logLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
