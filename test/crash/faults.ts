import type { Moment } from './options.ts';

/** One request of a process: its kind, its object, and which of those it is, from #1 on for each process. */
export type PointName = string;

export interface Fault {
  readonly point: PointName;
  readonly when: Moment;
}

/** The faults of a life, one after the other: each process but the last is killed at one of its requests. */
export interface Faults {
  /** Counts a request. @returns the moment at which the process is to be killed, where this request is its fault. */
  meet(name: string): Moment | undefined;
  /** The process that a fault has met is no more: what comes now is its successor's. */
  died(): void;
  /** The requests of each process, in order; those that come while one is being killed are nobody's. */
  readonly processes: readonly (readonly PointName[])[];
  /** When they came; wall clock, milliseconds. */
  readonly times: readonly (readonly number[])[];
  /** How many of the faults have happened. */
  fired(): number;
  /** Whether a process is being killed right now. */
  isDying(): boolean;
}

export function faultsInTurn(faults: readonly Fault[]): Faults {
  const processes: PointName[][] = [[]];
  const times: number[][] = [[]];
  const counts = new Map<string, number>();
  let fired = 0;
  let isDying = false;
  return {
    meet(name) {
      if (isDying) return undefined;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      const point = `${name} #${String(count)}`;
      processes.at(-1)?.push(point);
      times.at(-1)?.push(Date.now());
      const fault = faults[fired];
      if (fault?.point !== point) return undefined;
      fired += 1;
      isDying = true;
      return fault.when;
    },
    died() {
      counts.clear();
      processes.push([]);
      times.push([]);
      isDying = false;
    },
    processes,
    times,
    fired: () => fired,
    isDying: () => isDying,
  };
}
