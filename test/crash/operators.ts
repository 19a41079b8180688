import { tmpdir } from 'node:os';
import path from 'node:path';

import { startOperatorProcess, type OperatorProcess } from '../../sandbox/operator/operator.ts';
import { SCALE } from './timing.ts';

/** A time without a working process: from a kill until the successor is ready; wall clock, milliseconds. */
export interface Absence {
  readonly killedAt: number;
  /** Undefined: not ready yet. */
  readonly readyAt: number | undefined;
}

/** The operator processes of one life, one after the other. */
export interface Operators extends AsyncDisposable {
  start(): void;
  /** SIGKILL to the one that runs, and another is started. Resolves when the first is no more. */
  crash(): Promise<void>;
  /** In order. */
  readonly absences: readonly Absence[];
  /** SIGTERM, as soon as it works. @returns the exit code. */
  stop(): Promise<number | null>;
  /** What all of them printed. */
  output(): string;
}

export interface OperatorsOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Is called after each kill, while no process runs. @returns whether another is started. */
  readonly meanwhile: () => Promise<boolean>;
}

export function operatorsOf({ kubeconfig, namespace, meanwhile }: OperatorsOptions): Operators {
  const all: OperatorProcess[] = [];
  const entry = [
    path.join(import.meta.dirname, '..', 'support', 'quick-operator.ts'),
    String(SCALE),
  ] as const;
  // Of one namespace there is one process at a time, so nobody is elected; the id stays the same for a life.
  const flags = ['--leader-election', 'off', '--namespaces', namespace, '--installation-id', namespace];
  // The entry itself comes from the cache, too: compiling it takes longer than all of the rest that is kept there.
  const environment = { NODE_COMPILE_CACHE: path.join(tmpdir(), 'node-compile-cache') };
  const absences: { killedAt: number; readyAt: number | undefined }[] = [];
  const start = (): OperatorProcess => {
    const process = startOperatorProcess({ kubeconfig, flags, entry, environment });
    all.push(process);
    return process;
  };
  let crashed = Promise.resolve();
  const replace = async (): Promise<void> => {
    await all.at(-1)?.kill();
    const absence: (typeof absences)[number] = { killedAt: Date.now(), readyAt: undefined };
    absences.push(absence);
    if (!(await meanwhile())) return;
    // A successor that never gets ready shows in the life: nothing goes on.
    start()
      .ready()
      .then(() => (absence.readyAt = Date.now()))
      .catch(() => undefined);
  };
  return {
    start: () => void start(),
    crash() {
      crashed = replace();
      return crashed;
    },
    absences,
    async stop() {
      // A life may be over while the process that made its last request is still being killed, or about to be.
      for (;;) {
        await crashed;
        const last = all.at(-1);
        await last?.ready();
        const code = (await last?.stop()) ?? null;
        await crashed;
        if (last === all.at(-1)) return code;
      }
    },
    output: () => all.map((process) => process.output()).join('\n'),
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((process) => process[Symbol.asyncDispose]()));
    },
  };
}
