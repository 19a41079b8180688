import { readFile } from 'node:fs/promises';

/** What a process has used so far, as the kernel accounts for it. */
export interface Usage {
  readonly cpuSeconds: number;
  /** The most memory that was resident at once, in MiB. */
  readonly peakMemoryMiB: number;
  /** What is resident now, in MiB. */
  readonly memoryMiB: number;
}

/** Ticks a second in /proc: a constant of Linux' interface to programs. */
const TICKS = 100;

/** @throws Error where there is no /proc, as outside of Linux, or no such process any more. */
export async function usageOf(pid: number): Promise<Usage> {
  const folder = `/proc/${String(pid)}`;
  const [stat, status] = await Promise.all([
    readFile(`${folder}/stat`, 'utf8'),
    readFile(`${folder}/status`, 'utf8'),
  ]);
  return {
    cpuSeconds: cpuSecondsIn(stat),
    peakMemoryMiB: mebibytesIn(status, 'VmHWM'),
    memoryMiB: mebibytesIn(status, 'VmRSS'),
  };
}

/** User and system time of /proc/PID/stat, in seconds. The command's name comes first, and may hold anything. */
export function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export function mebibytesIn(status: string, name: 'VmHWM' | 'VmRSS'): number {
  const kibibytes = new RegExp(`^${name}:\\s+([0-9]+) kB$`, 'm').exec(status)?.[1];
  return Number(kibibytes ?? Number.NaN) / 1024;
}
