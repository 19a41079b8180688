import { z } from 'zod';

import type { Result } from '../result.ts';
import type { Machine } from './machine.ts';
import type { Traces } from './run.ts';

const figure = z.number().nullable();
const count = z.int().min(0);
const points = z.array(z.tuple([z.number(), z.number()]).readonly()).readonly();

/** The figures of {@link Result} that are drawn or stand in the table; the others are kept in the file all the same. */
const result = z.object({
  case: z.string().min(1),
  leases: count,
  namespaces: z.int().positive(),
  leasesPerSecond: figure,
  ceilingLeasesPerSecond: figure,
  shareOfCeiling: figure,
  secondsTo50: figure,
  secondsTo99: figure,
  secondsToAll: figure,
  writesPerLease: figure,
  readsPerLease: figure,
  cpuSecondsPer1000: figure,
  peakMemoryMiB: z.number(),
  conflicts: count,
  logins: count,
  duplicateLeases: count,
  deadCredentialSeconds: figure,
  more: z.record(z.string(), figure),
});

const savedRun = z.object({
  /** When the run was over. */
  date: z.iso.datetime(),
  machine: z.object({
    cpu: z.string(),
    cores: z.int().positive(),
    memoryMiB: z.number(),
    kernel: z.string(),
    node: z.string(),
    /** Null where the case did not say. */
    apiServer: z.string().nullable(),
  }),
  result,
  /** Null for a case without a course. */
  readiness: points.nullable(),
  memory: points,
});

/** A run as a line of a results file has it. */
export type SavedRun = z.infer<typeof savedRun>;

/** A results file that cannot be read; the message says where and why. */
export class UnreadableResults extends Error {
  override readonly name = 'UnreadableResults';
}

/** A run as one line of JSON, with all figures of its result. */
export function savedLine(
  ran: Result,
  { readiness, memory, apiServer }: Traces,
  machine: Machine,
  date: Date,
): string {
  const kept: SavedRun = {
    date: date.toISOString(),
    machine: { ...machine, apiServer: apiServer ?? null },
    result: ran,
    readiness: readiness ?? null,
    memory: memory ?? [],
  };
  return `${JSON.stringify(kept)}\n`;
}

/** The runs of a results file; empty lines are none. @throws UnreadableResults for a line that is no run. */
export function parseLines(text: string, file: string): readonly SavedRun[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      line.trim() === '' ? [] : parseLine(line, `${file}, line ${String(index + 1)}`),
    );
}

function parseLine(line: string, where: string): SavedRun {
  const { success, data, error } = savedRun.safeParse(jsonIn(line, where));
  if (success) return data;
  const [issue] = error.issues;
  throw new UnreadableResults(`${where}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function jsonIn(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new UnreadableResults(`${where}: no JSON; was a run interrupted?`, { cause: error });
  }
}
