import { mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { build } from './build.ts';
import { type Environment, type FoundBinaries, cacheRoot, cachedPath, findExecutables } from './cache.ts';
import { type DownloadSites, download, officialSites } from './download.ts';
import { type Outcome, type Workplace, reasonOf } from './installation.ts';
import { withLock } from './lock.ts';
import { currentPlatform, platformText } from './platform.ts';
import { type BinaryName, binaryNames, binaryVersions } from './versions.ts';

export interface ResolveOptions {
  /** Takes a line per step. Default: nothing is told. */
  readonly log?: (line: string) => void;
  /** Where `KUBEBUILDER_ASSETS`, `XDG_CACHE_HOME`, `PATH` and Go's settings are read. Default `process.env`. */
  readonly environment?: Environment;
  /** Default: the official sites. */
  readonly sites?: DownloadSites;
}

/** Unfinished files are in folders of this name; a killed process leaves its own behind for the next to remove. */
const scratchPrefix = '.unfinished-';

/**
 * Finds the programs of the sandbox; each by the first way that has it: the folder `KUBEBUILDER_ASSETS`
 * (used as it is, whatever its version), the user's cache, a download, a build from Go modules. What was
 * downloaded or built is kept in the cache. Processes that need the same files at once wait for one another.
 *
 * @returns absolute paths
 * @throws Error which lists all ways that were tried, when one is missing in the end
 */
export async function resolveBinaries<Name extends BinaryName = BinaryName>(
  names?: readonly Name[],
  options: ResolveOptions = {},
): Promise<Record<Name, string>> {
  const wanted: readonly BinaryName[] = names ?? binaryNames;
  const search = new Search(options);
  await search.lookUp(wanted);
  if (search.missing(wanted).length > 0) await search.obtain(wanted);
  const { found } = search;
  if (!hasAll<Name>(found, wanted)) throw search.failure(wanted);
  return found;
}

function hasAll<Name extends BinaryName>(
  found: FoundBinaries,
  names: readonly BinaryName[],
): found is Record<Name, string> {
  return names.every((name) => found[name] !== undefined);
}

/** One search: what has been found so far, and what each way said. */
class Search {
  readonly found: FoundBinaries = {};
  readonly #environment: Environment;
  readonly #root: string;
  readonly #platform = currentPlatform();
  readonly #sites: DownloadSites;
  readonly #log: (line: string) => void;
  readonly #tried: string[] = [];

  constructor({ log = () => undefined, environment = process.env, sites = officialSites }: ResolveOptions) {
    this.#log = log;
    this.#environment = environment;
    this.#sites = sites;
    this.#root = cacheRoot(environment);
  }

  missing(names: readonly BinaryName[]): BinaryName[] {
    return names.filter((name) => this.found[name] === undefined);
  }

  /** The ways that cost nothing: the given folder, then the cache. */
  async lookUp(names: readonly BinaryName[]): Promise<void> {
    const assets = this.#environment['KUBEBUILDER_ASSETS'];
    if (assets === undefined || assets === '') {
      this.#tried.push('KUBEBUILDER_ASSETS: not set');
    } else {
      Object.assign(this.found, await findExecutables(names, (name) => path.join(assets, name)));
      this.#tried.push(`KUBEBUILDER_ASSETS=${assets}: ${this.#lacks(names)}`);
    }
    await this.#lookIntoCache(names);
    this.#tried.push(
      `the cache ${this.#root} (versions for ${platformText(this.#platform)}): ${this.#lacks(names)}`,
    );
  }

  /** The ways that take time, one process at a time. */
  async obtain(names: readonly BinaryName[]): Promise<void> {
    const onWait = (owner: number): void =>
      this.#log(`process ${owner} is getting binaries for ${this.#root}; waiting for it`);
    try {
      await withLock(path.join(this.#root, '.lock'), { onWait }, () => this.#obtainAlone(names));
    } catch (error) {
      // A cache that cannot be written, mostly.
      this.#tried.push(`download and build into ${this.#root}: ${reasonOf(error)}`);
    }
  }

  failure(names: readonly BinaryName[]): Error {
    const missing = this.missing(names).map((name) => `${name} ${binaryVersions[name]}`);
    return new Error(
      [
        `No way was found to get ${missing.join(', ')} for ${platformText(this.#platform)}. Tried:`,
        ...this.#tried.map((line, index) => `  ${index + 1}. ${line}`),
        'Any one of these helps:',
        '  - a connection to the internet (HTTPS_PROXY and NO_PROXY are honoured);',
        '  - Go 1.24 or later on the PATH (for helm 1.26), with a module proxy that can be reached (GOPROXY is honoured);',
        '  - a folder that holds these files, named by KUBEBUILDER_ASSETS.',
      ].join('\n'),
    );
  }

  async #obtainAlone(names: readonly BinaryName[]): Promise<void> {
    await this.#removeLeftovers();
    // Another process may have been here while this one waited.
    await this.#lookIntoCache(names);
    const scratch = await mkdtemp(path.join(this.#root, scratchPrefix));
    try {
      await this.#downloadAndBuild(names, scratch);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  async #downloadAndBuild(names: readonly BinaryName[], scratch: string): Promise<void> {
    const workplace: Workplace = {
      environment: this.#environment,
      platform: this.#platform,
      root: this.#root,
      scratch,
      log: this.#log,
    };
    await this.#try('download', names, (missing) => download(missing, this.#sites, workplace));
    await this.#try('build from Go modules', names, (missing) => build(missing, workplace));
  }

  async #try(
    way: string,
    names: readonly BinaryName[],
    run: (missing: readonly BinaryName[]) => Promise<Outcome>,
  ): Promise<void> {
    const missing = this.missing(names);
    if (missing.length === 0) return;
    this.#log(`${way}: ${missing.join(', ')}`);
    const { faults } = await run(missing);
    await this.#lookIntoCache(missing);
    for (const fault of faults) this.#log(`${way} failed: ${fault}`);
    this.#tried.push(`${way}: ${faults.length === 0 ? this.#lacks(missing) : faults.join('; ')}`);
  }

  async #lookIntoCache(names: readonly BinaryName[]): Promise<void> {
    const locate = (name: BinaryName): string => cachedPath(this.#root, this.#platform, name);
    Object.assign(this.found, await findExecutables(this.missing(names), locate));
  }

  async #removeLeftovers(): Promise<void> {
    for (const entry of await readdir(this.#root)) {
      if (!entry.startsWith(scratchPrefix)) continue;
      await rm(path.join(this.#root, entry), { recursive: true, force: true });
    }
  }

  #lacks(names: readonly BinaryName[]): string {
    const missing = this.missing(names);
    return missing.length === 0 ? 'has the rest' : `lacks ${missing.join(', ')}`;
  }
}
