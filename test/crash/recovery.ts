import type { Fault, PointName } from './faults.ts';
import type { Operators } from './operators.ts';
import type { Recorder } from './recorder.ts';
import { OBJECTS, ownerOf, ownerOfStep, type ObjectName } from './tenant.ts';

/** What a process sent about each object until the next step of that one was reached, in order. */
export type Windows = Readonly<Record<ObjectName, readonly PointName[]>>;

/** How the life goes on after each kill. */
export interface Recovery {
  /** A step of the life was reached. */
  reached(step: string): void;
  seen(): {
    /** The longest time from a kill to the next step, in milliseconds. */
    readonly longest: number | undefined;
    /** Of the process after the last fault. */
    readonly windows: Windows;
  };
}

export interface RecoveryOptions {
  readonly faults: readonly Fault[];
  readonly recorder: Pick<Recorder, 'processes'>;
  readonly operators: Pick<Operators, 'absences'>;
}

export function recoveryOf({ faults, recorder, operators }: RecoveryOptions): Recovery {
  const lengths = new Map<number, number>();
  const ends = new Map<ObjectName, number>();
  const requests = (): readonly PointName[] => recorder.processes[faults.length] ?? [];
  const windowOf = (name: ObjectName): readonly PointName[] =>
    requests()
      .slice(0, ends.get(name))
      .filter((point) => concerns(point, name));
  return {
    reached(step) {
      const kills = operators.absences.length;
      const absence = operators.absences.at(-1);
      if (absence === undefined) return;
      if (!lengths.has(kills)) lengths.set(kills, Date.now() - absence.killedAt);
      // One that is reached before the successor works is the doing of the process that was killed.
      if (kills < faults.length || absence.readyAt === undefined) return;
      for (const name of OBJECTS) {
        const isNext = (ownerOfStep(step) ?? name) === name && !ends.has(name);
        if (isNext) ends.set(name, requests().length);
      }
    },
    seen: () => ({
      longest: lengths.size === 0 ? undefined : Math.max(...lengths.values()),
      windows: { orders: windowOf('orders'), stock: windowOf('stock') },
    }),
  };
}

/** Requests that are about neither object, such as those about the connection, concern both. */
function concerns(point: PointName, name: ObjectName): boolean {
  const [, , object = ''] = point.split(' ');
  return (ownerOf(object) ?? name) === name;
}
