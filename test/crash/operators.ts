import path from 'node:path';

import { startOperatorProcess, type OperatorProcess } from '../../sandbox/operator/operator.ts';
import { SCALE } from './timing.ts';

/** The operator processes of one life, one after the other. */
export interface Operators extends AsyncDisposable {
  start(): void;
  /** SIGKILL to the one that runs, and another is started. Resolves when the first is no more. */
  crash(): Promise<void>;
  /** When the one that was killed was no more, and when its successor was ready; wall clock, milliseconds. */
  readonly killedAt: number | undefined;
  readonly readyAt: number | undefined;
  /** SIGTERM, as soon as it works. @returns the exit code. */
  stop(): Promise<number | null>;
  /** What all of them printed. */
  output(): string;
}

export function operatorsOf(options: { readonly kubeconfig: string; readonly namespace: string }): Operators {
  const { kubeconfig, namespace } = options;
  const all: OperatorProcess[] = [];
  const entry = [
    path.join(import.meta.dirname, '..', 'support', 'quick-operator.ts'),
    String(SCALE),
  ] as const;
  // Of one namespace there is one process at a time, so nobody is elected; the id stays the same for a life.
  const flags = ['--leader-election', 'off', '--namespaces', namespace, '--installation-id', namespace];
  let killedAt: number | undefined;
  let readyAt: number | undefined;
  const start = (): OperatorProcess => {
    const process = startOperatorProcess({ kubeconfig, flags, entry });
    all.push(process);
    return process;
  };
  let crashed = Promise.resolve();
  const replace = async (): Promise<void> => {
    await all.at(-1)?.kill();
    killedAt = Date.now();
    // A successor that never gets ready shows in the life: nothing goes on.
    start()
      .ready()
      .then(() => (readyAt = Date.now()))
      .catch(() => undefined);
  };
  return {
    start: () => void start(),
    crash() {
      crashed = replace();
      return crashed;
    },
    get killedAt() {
      return killedAt;
    },
    get readyAt() {
      return readyAt;
    },
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
