import { readFileSync } from 'node:fs';

import { thin, type Point } from './points.ts';
import { mebibytesIn } from './usage.ts';

/** Looks at the memory of a process from time to time, until it is disposed of. */
export interface MemoryWatch extends Disposable {
  /** From now on it is this process, until another is named: after a restart the curve goes on. */
  follow(pid: number): void;
  /** MiB that were resident, over seconds. */
  points(): readonly Point[];
}

/** Milliseconds between two looks: a look costs some microseconds, and a run lasts seconds to minutes. */
const INTERVAL = 500;

/**
 * @param startedAt where seconds count from, in milliseconds since 1970
 * @param look what is resident in a process, in MiB; undefined where there is no such process. Default: asks /proc.
 */
export function watchMemory(
  startedAt: number,
  look: (pid: number) => number | undefined = residentMiB,
): MemoryWatch {
  const seen: Point[] = [];
  let followed: number | undefined;
  const take = (): void => {
    const resident = followed === undefined ? undefined : look(followed);
    if (resident === undefined) return;
    seen.push([Number(((Date.now() - startedAt) / 1000).toFixed(2)), Number(resident.toFixed(1))]);
  };
  const timer = setInterval(take, INTERVAL);
  return {
    follow: (pid) => {
      followed = pid;
      take();
    },
    points: () => thin(seen),
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}

/** What is resident in a process, in MiB; undefined for one that has ended, reaped or not. */
export function residentMiB(pid: number): number | undefined {
  try {
    const resident = mebibytesIn(readFileSync(`/proc/${String(pid)}/status`, 'utf8'), 'VmRSS');
    return Number.isFinite(resident) ? resident : undefined;
  } catch {
    return undefined;
  }
}
