import os from 'node:os';

/** Where a run took place, as far as its figures depend on that; not whose machine it was. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  /** The kernel's name and release: `Linux 6.12.1`. */
  readonly kernel: string;
  /** Of the operator and of the bench: `v24.21.0`. */
  readonly node: string;
}

export function thisMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryMiB: Math.round(os.totalmem() / 1024 ** 2),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
  };
}
