import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { type Platform, platformText } from './platform.ts';
import { type BinaryName, binaryVersions } from './versions.ts';

/** Those that are there, by name; absolute paths. */
export type FoundBinaries = Partial<Record<BinaryName, string>>;

/** The environment variables that decide where binaries are looked for. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The user's folder for binaries of all versions: below `XDG_CACHE_HOME`, else `~/.cache`. */
export function cacheRoot(environment: Environment): string {
  const base = environment['XDG_CACHE_HOME'];
  // The XDG rules say that a relative path is to be ignored.
  const folder = base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache');
  return path.join(folder, 'leaseholder', 'binaries');
}

/** Where a binary of the wanted version belongs in the cache. */
export function cachedPath(root: string, platform: Platform, name: BinaryName): string {
  return path.join(root, `${binaryVersions[name]}-${platformText(platform)}`, name);
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Of the given names those whose file, as `locate` names it, is there and executable. */
export async function findExecutables(
  names: readonly BinaryName[],
  locate: (name: BinaryName) => string,
): Promise<FoundBinaries> {
  const found: FoundBinaries = {};
  for (const name of names) {
    const file = path.resolve(locate(name));
    if (await isExecutable(file)) found[name] = file;
  }
  return found;
}
