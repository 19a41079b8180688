import { execFile } from 'node:child_process';
import { chmod, mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Environment, cachedPath } from './cache.ts';
import type { Platform } from './platform.ts';
import { type BinaryName, binaryVersions, sameMinor } from './versions.ts';

const run = promisify(execFile);

/** What the ways of getting a binary share. */
export interface Workplace {
  readonly environment: Environment;
  readonly platform: Platform;
  /** The cache's root; finished binaries go below it. */
  readonly root: string;
  /** A folder on the cache's file system for unfinished files. */
  readonly scratch: string;
  readonly log: (line: string) => void;
}

/** How a way ended: the names that it got, and one sentence for each thing that went wrong. */
export interface Outcome {
  readonly installed: readonly BinaryName[];
  readonly faults: readonly string[];
}

/**
 * Puts a finished file into the cache: it must run here and tell the wanted version, then one rename shows it to
 * others whole. An etcd may be another patch release of the wanted minor version: envtest archives carry theirs.
 *
 * @throws Error when it does not run or is another version.
 */
export async function install(file: string, name: BinaryName, { platform, root }: Workplace): Promise<void> {
  await chmod(file, 0o755);
  const version = await versionOf(file, name);
  const wanted = binaryVersions[name];
  const fits = name === 'etcd' ? sameMinor(version, wanted) : version === wanted;
  if (!fits) throw new Error(`${name} says that it is ${version}, wanted ${wanted}`);
  const target = cachedPath(root, platform, name);
  await mkdir(path.dirname(target), { recursive: true });
  await rename(file, target);
}

/** What the programs are asked that do not know `--version`. */
const versionArguments: Partial<Record<BinaryName, readonly string[]>> = {
  kubectl: ['version', '--client'],
  helm: ['version', '--template', '{{.Version}}'],
};

/** Asks a binary for its version, as `v1.34.4`. */
export async function versionOf(file: string, name: BinaryName): Promise<string> {
  const args = versionArguments[name] ?? ['--version'];
  const { stdout } = await run(file, args, { timeout: 60_000 });
  const version = /\bv?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${name} ${args.join(' ')} tells no version`);
  return `v${version}`;
}

/** An error's own words, with those of its causes; an AggregateError's first. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? `${error.message || error.name} (${reasonOf(inner)})` : error.message;
}
