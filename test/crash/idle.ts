import { cpus } from 'node:os';

import type { Lanes } from './lanes.ts';

/** Where the machine is busier than this, it has no time for one more life. */
const BUSY = 0.8;

/** What is looked at, at least: milliseconds. */
const WINDOW = 900;

/** As many lives as the machine has time for: their waits are scaled, and a process that waits for its turn breaks them. */
function lanesByLoad(): Lanes {
  let before = ticks();
  let busy = 0;
  let at = Date.now();
  const isIdle = (): boolean => {
    if (Date.now() - at >= WINDOW) {
      const now = ticks();
      busy = 1 - (now.idle - before.idle) / Math.max(now.all - before.all, 1);
      [before, at] = [now, Date.now()];
    }
    return busy < BUSY;
  };
  return { least: 6, most: 32, isIdle };
}

/** So many, whatever the machine does. */
function lanesOf(number: number): Lanes {
  return { least: number, most: number, isIdle: () => true };
}

interface Ticks {
  readonly idle: number;
  readonly all: number;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function ticks(): Ticks {
  const times = cpus().map((cpu) => cpu.times);
  return {
    idle: sum(times.map(({ idle }) => idle)),
    all: sum(times.map(({ user, nice, sys, irq, idle }) => user + nice + sys + irq + idle)),
  };
}

/** @param asked so many, where the command line says so. */
export function lanesFor(asked: number | undefined): Lanes {
  return asked === undefined ? lanesByLoad() : lanesOf(asked);
}
