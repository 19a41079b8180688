import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import { startOperatorProcess, type OperatorProcess } from '../../sandbox/operator/operator.ts';
import type { Slot } from './schedule.ts';
import { SCALE } from './timing.ts';

/** How a process stands in the election, by its own log. */
type Standing = 'starting' | 'follows' | 'leads' | 'ended';

interface Runner {
  readonly process: OperatorProcess;
  readonly standing: () => Standing;
}

/** Two operator processes, each of which is started again whenever it has ended. */
export interface Pair extends AsyncDisposable {
  /** Waits until one leads and the other follows. @throws Error when that takes far too long. */
  settled(): Promise<void>;
  signal(slot: Slot, signal: NodeJS.Signals): void;
  /** The one that leads by its own account, also while it is suspended. */
  leader(): Slot | undefined;
  /** How many processes there were. */
  started(): number;
  /** SIGTERM to both, and none is started any more. @returns their exit codes. */
  stop(): Promise<readonly (number | null)[]>;
}

/** How long after its end a process is started again, in milliseconds. */
const RESTART_AFTER = 300;

const entry = [path.join(import.meta.dirname, '..', 'support', 'quick-operator.ts'), SCALE] as const;

/** How long a slow machine may take to start a process and to elect, in milliseconds. */
const SETTLED_WITHIN = 180_000;

function isSettled(runners: readonly Runner[]): boolean {
  const standings = runners.map(({ standing }) => standing());
  return standings.includes('leads') && standings.includes('follows');
}

/** @param folder where the logs go, a file for each process. */
export function startPair(kubeconfigs: readonly [string, string], folder: string): Pair {
  const runners: [Runner, Runner] = [start(0), start(1)];
  let count = 0;
  let stopping = false;

  function start(slot: Slot): Runner {
    let standing: Standing = 'starting';
    const process = startOperatorProcess({
      kubeconfig: kubeconfigs[slot],
      entry,
      onLine({ msg }) {
        if (msg === 'The operator follows; another one leads.') standing = 'follows';
        if (msg === 'The lead was taken.') standing = 'leads';
      },
    });
    process
      .ended()
      .then(() => (standing = 'ended'))
      .catch(() => undefined);
    return { process, standing: () => standing };
  }

  async function keep(slot: Slot): Promise<void> {
    for (;;) {
      const { process } = runners[slot];
      count += 1;
      const log = path.join(folder, `operator-${String(slot)}-${String(count).padStart(3, '0')}.log`);
      const code = await process.ended();
      writeFileSync(log, `${process.output()}\nended with ${String(code)} at ${new Date().toISOString()}\n`);
      if (stopping) return;
      await delay(RESTART_AFTER);
      if (stopping) return;
      runners[slot] = start(slot);
    }
  }

  const kept = Promise.all([keep(0), keep(1)]);
  return {
    async settled() {
      await awaitCondition(() => Promise.resolve(isSettled(runners)), {
        what: 'one operator to lead and one to follow',
        timeoutMs: SETTLED_WITHIN,
        intervalMs: 50,
      });
    },
    signal(slot, signal) {
      const { process: target, standing } = runners[slot];
      if (standing() !== 'ended') process.kill(target.pid, signal);
    },
    leader: () => ([0, 1] as const).find((slot) => runners[slot].standing() === 'leads'),
    started: () => count,
    async stop() {
      stopping = true;
      const codes = await Promise.all(runners.map(({ process }) => process.stop()));
      await kept;
      return codes;
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      await Promise.all(runners.map(({ process }) => process.kill()));
      await kept;
    },
  };
}
