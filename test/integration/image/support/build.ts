import { execFile } from 'node:child_process';
import { cp, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import type { Stage, Step } from './dockerfile.ts';

const run = promisify(execFile);

export interface BuildOptions {
  readonly stages: readonly Stage[];
  /** What COPY takes from: the sources. */
  readonly context: string;
  /** A folder that gets one folder for each stage: its root. */
  readonly folder: string;
}

/**
 * Plays the stages of a Dockerfile: COPY copies, RUN runs in the folder of its stage with the Node of this process, which is
 * the one that FROM names. The base images are not there: no container engine is.
 *
 * @returns the root of the last stage
 */
export async function playStages({ stages, context, folder }: BuildOptions): Promise<string> {
  const roots = new Map<string, string>();
  let last = context;
  for (const [index, stage] of stages.entries()) {
    const name = stage.name ?? String(index);
    last = path.join(folder, name);
    await mkdir(last);
    roots.set(name, last);
    let workdir = last;
    for (const step of stage.steps) workdir = await play(step, { root: last, workdir, roots, context });
  }
  return last;
}

interface Place {
  readonly root: string;
  readonly workdir: string;
  readonly roots: ReadonlyMap<string, string>;
  readonly context: string;
}

/** @returns the folder that the next step is in */
async function play(step: Step, { root, workdir, roots, context }: Place): Promise<string> {
  switch (step.type) {
    case 'workdir': {
      const next = path.join(root, step.path);
      await mkdir(next, { recursive: true });
      return next;
    }
    case 'copy': {
      const from = step.from === undefined ? context : roots.get(step.from);
      if (from === undefined) throw new Error(`COPY --from=${String(step.from)}: there is no such stage.`);
      const into = path.isAbsolute(step.target)
        ? path.join(root, step.target)
        : path.join(workdir, step.target);
      for (const source of step.sources) await copy(path.join(from, source), into, step.target.endsWith('/'));
      return workdir;
    }
    case 'run': {
      const env = {
        ...process.env,
        PATH: `${path.dirname(process.execPath)}:${String(process.env['PATH'])}`,
      };
      await run('/bin/sh', ['-c', step.command], { cwd: workdir, env, maxBuffer: 64 * 1024 * 1024 });
      return workdir;
    }
    default:
      return step satisfies never;
  }
}

/** COPY puts what a folder holds into the target, and a file into it under its own name where the target ends with a slash. */
async function copy(source: string, into: string, endsWithSlash: boolean): Promise<void> {
  const isFolder = (await stat(source)).isDirectory();
  const target = !isFolder && endsWithSlash ? path.join(into, path.basename(source)) : into;
  await cp(source, target, { recursive: true });
}
