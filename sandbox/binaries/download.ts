import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { EnvHttpProxyAgent, type Response, fetch } from 'undici';
import { parse } from 'yaml';
import { type EnvtestArchive, chooseArchive, envtestIndex } from './envtest-index.ts';
import { type Outcome, type Workplace, install, reasonOf } from './installation.ts';
import { type BinaryName, helmVersion, kubernetesVersion } from './versions.ts';

const run = promisify(execFile);

/** Where downloads come from. */
export interface DownloadSites {
  /** The list of the envtest releases, a YAML file. */
  readonly envtestIndex: string;
  /** Kubernetes releases: `<base>/<version>/bin/<os>/<arch>/<name>` and the same with `.sha256`. */
  readonly kubernetes: string;
  /** Helm releases: `<base>/helm-<version>-<os>-<arch>.tar.gz` and the same with `.sha256sum`. */
  readonly helm: string;
}

export const officialSites: DownloadSites = {
  envtestIndex:
    'https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml',
  kubernetes: 'https://dl.k8s.io/release',
  helm: 'https://get.helm.sh',
};

/** A machine without internet finds out within the connect timeout, per site. Milliseconds. */
const connectTimeout = 3000;
/** An index or checksum is small: this bounds the whole answer. */
const smallAnswerTimeout = 20_000;
/** A large file may take this long, and never more than `bodyTimeout` between two pieces. */
const largeAnswerTimeout = 900_000;

/** The files of an envtest archive. */
const inEnvtest: ReadonlySet<BinaryName> = new Set(['kube-apiserver', 'etcd', 'kubectl']);

/**
 * Downloads binaries: kube-apiserver, kubectl and etcd from the envtest releases, what they lack from the
 * Kubernetes releases, helm from its own. Checksums are verified before a file is used. Proxies of the environment are honoured.
 */
export async function download(
  wanted: readonly BinaryName[],
  sites: DownloadSites,
  workplace: Workplace,
): Promise<Outcome> {
  const { environment } = workplace;
  const dispatcher = new EnvHttpProxyAgent({
    // An empty text means no proxy; without one it would look into the process's own environment.
    httpProxy: environment['http_proxy'] ?? environment['HTTP_PROXY'] ?? '',
    httpsProxy: environment['https_proxy'] ?? environment['HTTPS_PROXY'] ?? '',
    noProxy: environment['no_proxy'] ?? environment['NO_PROXY'] ?? '',
    connect: { timeout: connectTimeout },
    headersTimeout: smallAnswerTimeout,
    bodyTimeout: 30_000,
  });
  try {
    const site = new Site(dispatcher, workplace);
    const fromEnvtest = wanted.filter((name) => inEnvtest.has(name));
    const envtest = fromEnvtest.length === 0 ? nothing : await fetchEnvtest(fromEnvtest, sites, site);
    // Kubernetes itself does not publish etcd.
    const rest = wanted.filter((name) => name !== 'etcd' && !envtest.installed.includes(name));
    const releases = await Promise.all(
      rest.map((name) => (name === 'helm' ? fetchHelm(sites, site) : fetchRelease(name, sites, site))),
    );
    const all = [envtest, ...releases];
    return {
      installed: all.flatMap((outcome) => outcome.installed),
      faults: all.flatMap((outcome) => outcome.faults),
    };
  } finally {
    await dispatcher.destroy();
  }
}

const nothing: Outcome = { installed: [], faults: [] };

async function fetchEnvtest(
  names: readonly BinaryName[],
  sites: DownloadSites,
  site: Site,
): Promise<Outcome> {
  const { workplace } = site;
  try {
    const index = envtestIndex.parse(parse(await site.text(sites.envtestIndex)));
    const archive = chooseArchive(index, kubernetesVersion, workplace.platform);
    if (archive === undefined) {
      const minor = kubernetesVersion.replace(/\.\d+$/, '');
      return {
        installed: [],
        faults: [`${sites.envtestIndex} lists no archive of ${minor} for this platform`],
      };
    }
    // Of another patch release only etcd is of use: the others must be the wanted version.
    const usable = archive.version === kubernetesVersion ? names : names.filter((name) => name === 'etcd');
    return usable.length === 0 ? nothing : await unpack(usable, archive, site);
  } catch (error) {
    return { installed: [], faults: [`${sites.envtestIndex}: ${reasonOf(error)}`] };
  }
}

async function unpack(names: readonly BinaryName[], archive: EnvtestArchive, site: Site): Promise<Outcome> {
  const { workplace } = site;
  const file = path.join(workplace.scratch, 'envtest.tar.gz');
  const folder = path.join(workplace.scratch, 'envtest');
  try {
    await site.file(archive.url, file, { algorithm: 'sha512', digest: archive.sha512 });
    await mkdir(folder);
    await run('tar', ['-xzf', file, '-C', folder]);
  } catch (error) {
    return { installed: [], faults: [`${archive.url}: ${reasonOf(error)}`] };
  }
  const members = await readdir(folder, { recursive: true });
  const outcomes = await Promise.all(
    names.map(async (name): Promise<Outcome> => {
      const member = members.find((entry) => path.basename(entry) === name);
      return member === undefined
        ? { installed: [], faults: [`${archive.url}: holds no ${name}`] }
        : tryInstall(path.join(folder, member), name, workplace, archive.url);
    }),
  );
  return {
    installed: outcomes.flatMap((outcome) => outcome.installed),
    faults: outcomes.flatMap((outcome) => outcome.faults),
  };
}

async function fetchRelease(name: BinaryName, sites: DownloadSites, site: Site): Promise<Outcome> {
  const { workplace } = site;
  const { os, arch } = workplace.platform;
  const url = `${sites.kubernetes}/${kubernetesVersion}/bin/${os}/${arch}/${name}`;
  const file = path.join(workplace.scratch, name);
  try {
    await site.file(url, file, { algorithm: 'sha256', digest: await checksumAt(`${url}.sha256`, site) });
  } catch (error) {
    return { installed: [], faults: [`${url}: ${reasonOf(error)}`] };
  }
  return tryInstall(file, name, workplace, url);
}

async function fetchHelm(sites: DownloadSites, site: Site): Promise<Outcome> {
  const { workplace } = site;
  const { os, arch } = workplace.platform;
  const url = `${sites.helm}/helm-${helmVersion}-${os}-${arch}.tar.gz`;
  const file = path.join(workplace.scratch, 'helm.tar.gz');
  const folder = path.join(workplace.scratch, 'helm-release');
  try {
    await site.file(url, file, { algorithm: 'sha256', digest: await checksumAt(`${url}.sha256sum`, site) });
    await mkdir(folder);
    await run('tar', ['-xzf', file, '-C', folder]);
  } catch (error) {
    return { installed: [], faults: [`${url}: ${reasonOf(error)}`] };
  }
  return tryInstall(path.join(folder, `${os}-${arch}`, 'helm'), 'helm', workplace, url);
}

/** The SHA-256 that a file of checksums begins with. */
async function checksumAt(url: string, site: Site): Promise<string> {
  const digest = /^[0-9a-f]{64}\b/.exec(await site.text(url))?.[0];
  if (digest === undefined) throw new Error('the checksum file holds no SHA-256');
  return digest;
}

async function tryInstall(
  file: string,
  name: BinaryName,
  workplace: Workplace,
  source: string,
): Promise<Outcome> {
  try {
    await install(file, name, workplace);
    return { installed: [name], faults: [] };
  } catch (error) {
    return { installed: [], faults: [`${source}: ${reasonOf(error)}`] };
  }
}

interface Checksum {
  readonly algorithm: 'sha256' | 'sha512';
  /** Lower-case hexadecimal. */
  readonly digest: string;
}

/** Reads from the web through one dispatcher, into one workplace. */
class Site {
  readonly workplace: Workplace;
  readonly #dispatcher: EnvHttpProxyAgent;

  constructor(dispatcher: EnvHttpProxyAgent, workplace: Workplace) {
    this.#dispatcher = dispatcher;
    this.workplace = workplace;
  }

  async text(url: string): Promise<string> {
    const response = await this.#get(url, smallAnswerTimeout);
    return response.text();
  }

  /** @throws Error when the checksum is not the given one; the file is then in no place where it could be used. */
  async file(url: string, target: string, { algorithm, digest }: Checksum): Promise<void> {
    this.workplace.log(`downloading ${url}`);
    const response = await this.#get(url, largeAnswerTimeout);
    if (response.body === null) throw new Error('the answer has no body');
    const hash = createHash(algorithm);
    const tap = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Readable.from(response.body), tap, createWriteStream(target));
    const actual = hash.digest('hex');
    if (actual !== digest) throw new Error(`checksum mismatch: ${algorithm} ${actual}, wanted ${digest}`);
  }

  async #get(url: string, timeout: number): Promise<Response> {
    const response = await fetch(url, { dispatcher: this.#dispatcher, signal: AbortSignal.timeout(timeout) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response;
  }
}
