import type { SavedRun } from '../saved/line.ts';
import { distinct } from './groups.ts';

/** Where runs took place, in a line: all that is the same for all of them. */
export function machineText(runs: readonly SavedRun[]): string {
  const machines = distinct(runs.map(({ machine }) => describe(machine)));
  const [only] = machines;
  return machines.length === 1 ? `Measured on ${only ?? ''}.` : 'Measured on several machines, or versions.';
}

function describe({ cpu, cores, memoryMiB, node, apiServer }: SavedRun['machine']): string {
  const gibibytes = Math.round(memoryMiB / 1024);
  return [
    `${cpu}, ${String(cores)} cores, ${String(gibibytes)} GiB`,
    `Node ${node}`,
    ...(apiServer === null ? [] : [`kube-apiserver ${apiServer}`]),
  ].join('; ');
}
