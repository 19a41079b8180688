import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Environment, cacheRoot, cachedPath } from '../../../sandbox/binaries/cache.ts';
import { currentPlatform } from '../../../sandbox/binaries/platform.ts';
import { resolveBinaries } from '../../../sandbox/binaries/resolve.ts';
import { type BinaryName, binaryNames } from '../../../sandbox/binaries/versions.ts';
import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { fakeBinary, fakeGo, helmPath, releasePath, startFakeSite } from './support/fake-binaries.ts';
import { temporaryFolder, writeScript } from './support/folders.ts';
import { processesNaming } from './support/processes.ts';
import { unreachableSites } from './support/unreachable-sites.ts';

const platform = currentPlatform();

interface Machine {
  /** No go on its PATH, an empty cache, an empty folder of assets. */
  readonly environment: Environment;
  readonly assets: string;
  readonly cached: (name: BinaryName) => string;
  readonly root: string;
}

async function bareMachine(): Promise<Machine> {
  const folder = await temporaryFolder();
  const environment = {
    KUBEBUILDER_ASSETS: path.join(folder, 'assets'),
    XDG_CACHE_HOME: folder,
    PATH: folder,
  };
  const root = cacheRoot(environment);
  const cached = (name: BinaryName): string => cachedPath(root, platform, name);
  return { environment, assets: environment.KUBEBUILDER_ASSETS, cached, root };
}

/** Puts a script in the role of Go on the machine's PATH. */
async function withGo(
  machine: Machine,
): Promise<{ environment: Environment; builds: () => Promise<string[]> }> {
  const notes = path.join(path.dirname(machine.assets), 'builds');
  const bin = path.join(path.dirname(machine.assets), 'bin');
  await writeScript(path.join(bin, 'go'), fakeGo);
  await writeFile(notes, '');
  return {
    environment: { ...machine.environment, PATH: `${bin}:/bin:/usr/bin`, BUILDS: notes },
    builds: async () => (await readFile(notes, 'utf8')).trim().split('\n'),
  };
}

async function fill(names: readonly BinaryName[], locate: (name: BinaryName) => string): Promise<void> {
  for (const name of names) await writeScript(locate(name), fakeBinary(name, 'put there'));
}

/** All files below the cache's root, unfinished ones included. */
async function cacheContent(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

describe('looking binaries up', () => {
  test('the folder KUBEBUILDER_ASSETS wins over the cache', async () => {
    const { environment, assets, cached } = await bareMachine();
    await fill(binaryNames, (name) => path.join(assets, name));
    await fill(binaryNames, cached);
    const found = await resolveBinaries(undefined, { environment, sites: unreachableSites });
    expect(Object.values(found).map((file) => path.dirname(file))).toEqual(binaryNames.map(() => assets));
  });

  test('what KUBEBUILDER_ASSETS lacks, and only that, comes from the cache', async () => {
    const { environment, assets, cached } = await bareMachine();
    await fill(['kube-apiserver', 'kubectl', 'etcd'], (name) => path.join(assets, name));
    await fill(binaryNames, cached);
    const found = await resolveBinaries(undefined, { environment, sites: unreachableSites });
    expect(found).toEqual({
      'kube-apiserver': path.join(assets, 'kube-apiserver'),
      'kube-controller-manager': cached('kube-controller-manager'),
      kubectl: path.join(assets, 'kubectl'),
      etcd: path.join(assets, 'etcd'),
      helm: cached('helm'),
    });
  });

  test('a file that is not executable does not count', async () => {
    const { environment, assets, cached } = await bareMachine();
    await fill(['etcd'], cached);
    await writeScript(path.join(assets, 'kubectl'), 'true');
    await writeFile(path.join(assets, 'etcd'), 'not a program');
    const found = await resolveBinaries(['etcd'], { environment, sites: unreachableSites });
    expect(found).toEqual({ etcd: cached('etcd') });
  });

  test('only what is asked for is looked for', async () => {
    const { environment, cached } = await bareMachine();
    await fill(['kubectl'], cached);
    const found = await resolveBinaries(['kubectl'], { environment, sites: unreachableSites });
    expect(found).toEqual({ kubectl: cached('kubectl') });
  });

  test('without any way the error lists each one, what it said, and what helps', async () => {
    const { environment, assets, root } = await bareMachine();
    const failure = await resolveBinaries(undefined, { environment, sites: unreachableSites }).catch(
      (error: unknown) => String(error),
    );
    expect(failure).toContain(
      'No way was found to get kube-apiserver v1.34.4, kube-controller-manager v1.34.4',
    );
    expect(failure).toMatch(
      new RegExp(`1\\. KUBEBUILDER_ASSETS=${assets}: lacks kube-apiserver, .*etcd, helm`),
    );
    expect(failure).toMatch(new RegExp(`2\\. the cache ${root} .*: lacks kube-apiserver, .*etcd`));
    expect(failure).toMatch(
      /3\. download: http:\/\/127\.0\.0\.1:3\/envtest-releases\.yaml: .*; http.*ECONNREFUSED/,
    );
    expect(failure).toMatch(/4\. build from Go modules: .*go is not on the PATH/);
    expect(failure).toContain('Go 1.24 or later on the PATH (for helm 1.26)');
    await expect(cacheContent(root)).resolves.toEqual([]);
  });
});

test('a cache that cannot be written is named in the error', async () => {
  const { environment } = await bareMachine();
  const file = path.join(await temporaryFolder(), 'a-file');
  await writeFile(file, '');
  await expect(
    resolveBinaries(['etcd'], {
      environment: { ...environment, XDG_CACHE_HOME: file },
      sites: unreachableSites,
    }),
  ).rejects.toThrow(/3\. download and build into .*a-file.*: ENOTDIR/);
});

describe('downloading', () => {
  test('the envtest archive comes first, the releases have what it lacks, all is kept in the cache', async () => {
    const { environment, cached } = await bareMachine();
    const site = await startFakeSite();
    const found = await resolveBinaries(undefined, { environment, sites: site.sites });
    await expect(readFile(found['kube-apiserver'], 'utf8')).resolves.toContain('# envtest');
    await expect(readFile(found.etcd, 'utf8')).resolves.toContain('# envtest');
    await expect(readFile(found['kube-controller-manager'], 'utf8')).resolves.toContain('# released');
    await expect(readFile(found.helm, 'utf8')).resolves.toContain('# released');
    expect(found.kubectl).toBe(cached('kubectl'));
    const before = site.requests.length;
    await expect(resolveBinaries(undefined, { environment, sites: site.sites })).resolves.toEqual(found);
    expect(site.requests).toHaveLength(before);
  });

  test('of an archive of another patch release only etcd is taken', async () => {
    const { environment } = await bareMachine();
    const { sites } = await startFakeSite('v1.34.1');
    const found = await resolveBinaries(undefined, { environment, sites });
    await expect(readFile(found.etcd, 'utf8')).resolves.toContain('# envtest');
    await expect(readFile(found['kube-apiserver'], 'utf8')).resolves.toContain('# released');
  });

  test('an archive of another minor release is not used', async () => {
    const { environment } = await bareMachine();
    const { sites } = await startFakeSite('v1.33.9');
    await expect(resolveBinaries(['etcd'], { environment, sites })).rejects.toThrow(
      /lists no archive of v1\.34 for this platform/,
    );
  });

  test('an archive whose checksum differs is refused and leaves nothing', async () => {
    const { environment, root } = await bareMachine();
    const { sites, content } = await startFakeSite();
    const archive = [...content.keys()].find((key) => key.endsWith('.tar.gz')) ?? '';
    content.set(archive, 'something else');
    await expect(resolveBinaries(['etcd'], { environment, sites })).rejects.toThrow(
      /checksum mismatch: sha512/,
    );
    await expect(cacheContent(root)).resolves.toEqual([]);
  });

  test('a released binary whose checksum differs is refused and leaves nothing', async () => {
    const { environment, root } = await bareMachine();
    const { sites, content } = await startFakeSite();
    content.set(releasePath('kube-controller-manager'), '#!/bin/sh\necho Kubernetes v1.34.4\n');
    await expect(resolveBinaries(['kube-controller-manager'], { environment, sites })).rejects.toThrow(
      /checksum mismatch: sha256/,
    );
    await expect(cacheContent(root)).resolves.toEqual([]);
  });
});

test('an archive of helm whose checksum differs is refused and leaves nothing', async () => {
  const { environment, root } = await bareMachine();
  const { sites, content } = await startFakeSite();
  content.set(helmPath, 'something else');
  await expect(resolveBinaries(['helm'], { environment, sites })).rejects.toThrow(
    /helm-.*: checksum mismatch: sha256/,
  );
  await expect(cacheContent(root)).resolves.toEqual([]);
});

describe('building', () => {
  test('what cannot be downloaded is built, each once, also for two who ask at once', async () => {
    const machine = await bareMachine();
    const { environment, builds } = await withGo(machine);
    const waits: string[] = [];
    const log = (line: string): void => void (line.includes('waiting for it') && waits.push(line));
    const ask = (): Promise<object> =>
      resolveBinaries(undefined, { environment, sites: unreachableSites, log });
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(first).toEqual(second);
    await expect(builds()).resolves.toEqual([...binaryNames]);
    expect(waits).toHaveLength(1);
    await expect(cacheContent(machine.root)).resolves.toEqual([...binaryNames].sort());
  });

  test('a killed build leaves finished binaries only, no process, and is gone on with', async () => {
    const machine = await bareMachine();
    const { environment, builds } = await withGo(machine);
    const child = resolvingProcess({ ...environment, HANG_AT: 'kubectl' });
    await awaitCondition(async () => (await builds()).includes('kubectl'), { what: 'the build of kubectl' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await awaitCondition(async () => processesNaming(machine.root).length === 0, { what: 'go to end' });
    const finished = ['kube-apiserver', 'kube-controller-manager'] as const;
    const lookUp = { environment: machine.environment, sites: unreachableSites };
    await expect(resolveBinaries(finished, lookUp)).resolves.toBeDefined();

    const found = await resolveBinaries(undefined, { environment, sites: unreachableSites });
    expect(found.kubectl).toBe(machine.cached('kubectl'));
    await expect(builds()).resolves.toEqual([...finished, 'kubectl', 'kubectl', 'etcd', 'helm']);
    await expect(cacheContent(machine.root)).resolves.toEqual([...binaryNames].sort());
  });

  test('a binary that tells another version is refused', async () => {
    const machine = await bareMachine();
    const { environment } = await withGo(machine);
    await writeScript(
      path.join(path.dirname(machine.assets), 'bin', 'go'),
      'while [ "$1" != -o ]; do shift; done; printf "#!/bin/sh\\necho Kubernetes v1.33.0\\n" > "$2"',
    );
    await expect(
      resolveBinaries(['kube-apiserver'], { environment, sites: unreachableSites }),
    ).rejects.toThrow('kube-apiserver says that it is v1.33.0, wanted v1.34.4');
    await expect(cacheContent(machine.root)).resolves.toEqual([]);
  });

  test('a build that fails tells the last that Go said', async () => {
    const machine = await bareMachine();
    const { environment } = await withGo(machine);
    await writeScript(
      path.join(path.dirname(machine.assets), 'bin', 'go'),
      'echo "no required module provides package" >&2; exit 1',
    );
    await expect(resolveBinaries(['etcd'], { environment, sites: unreachableSites })).rejects.toThrow(
      'etcd: go build ended with 1: no required module provides package',
    );
  });
});

function resolvingProcess(environment: Environment): ChildProcess {
  const script = path.join(import.meta.dirname, 'support', 'resolving-process.ts');
  const child = spawn(process.execPath, [script], { env: environment, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
