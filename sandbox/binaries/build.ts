import { once } from 'node:events';
import path from 'node:path';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { spawnBound } from './bound-process.ts';
import { type Environment } from './cache.ts';
import { type Outcome, type Workplace, install, reasonOf } from './installation.ts';
import { type BinaryName, binaryVersions, helmVersion, kubernetesVersion, parseVersion } from './versions.ts';

interface Source {
  /** The Go module beside this file that pins the package and all that it needs. */
  readonly module: string;
  readonly package: string;
  readonly ldflags: string;
  /** Processor time of a build without a build cache, in minutes; what others have compiled before it is not counted again. */
  readonly cpuMinutes: number;
}

const { major, minor } = parseVersion(kubernetesVersion) ?? { major: 1, minor: 0 };

const kubernetesLdflags = [
  '-s',
  '-w',
  ...['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((target) => {
    const values = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
    return Object.entries(values).map(([name, value]) => `-X ${target}.${name}=${value}`);
  }),
].join(' ');

/** The version that it tells, and the Kubernetes that it renders for where it has no server to ask. */
const helmLdflags = [
  '-s',
  '-w',
  `-X helm.sh/helm/v3/internal/version.version=${helmVersion}`,
  ...['lint/rules', 'chartutil'].flatMap((target) => [
    `-X helm.sh/helm/v3/pkg/${target}.k8sVersionMajor=${major}`,
    `-X helm.sh/helm/v3/pkg/${target}.k8sVersionMinor=${minor}`,
  ]),
].join(' ');

const sources: Readonly<Record<BinaryName, Source>> = {
  'kube-apiserver': {
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    ldflags: kubernetesLdflags,
    cpuMinutes: 7,
  },
  'kube-controller-manager': {
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    ldflags: kubernetesLdflags,
    cpuMinutes: 2,
  },
  kubectl: {
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kubectl',
    ldflags: kubernetesLdflags,
    cpuMinutes: 1,
  },
  etcd: {
    module: 'etcd',
    package: 'go.etcd.io/etcd/server/v3',
    ldflags: '-s -w',
    cpuMinutes: 1,
  },
  helm: {
    module: 'helm',
    package: 'helm.sh/helm/v3/cmd/helm',
    ldflags: helmLdflags,
    cpuMinutes: 3,
  },
};

/** How often a running build tells what it is doing, in milliseconds. */
const heartbeatInterval = 15_000;

/**
 * Builds binaries from their Go modules, one after the other; each is put in place as soon as it is done, so an
 * interrupted build goes on with the next one. All Go settings of the machine hold, but for those that would
 * change what is built.
 */
export async function build(wanted: readonly BinaryName[], workplace: Workplace): Promise<Outcome> {
  const cores = availableParallelism();
  const minutes = Math.ceil(wanted.reduce((sum, name) => sum + sources[name].cpuMinutes, 0) / cores);
  workplace.log(
    `building ${wanted.map((name) => `${name} ${binaryVersions[name]}`).join(', ')} from Go modules: ` +
      `about ${minutes} minute${minutes === 1 ? '' : 's'} on ${cores} core${cores === 1 ? '' : 's'}, once`,
  );
  const installed: BinaryName[] = [];
  const faults: string[] = [];
  for (const name of wanted) {
    const started = Date.now();
    try {
      const file = path.join(workplace.scratch, name);
      await goBuild(name, file, workplace);
      await install(file, name, workplace);
      installed.push(name);
      workplace.log(`built ${name} in ${seconds(started)} s`);
    } catch (error) {
      faults.push(`${name}: ${reasonOf(error)}`);
      if (isMissing(error)) break;
    }
  }
  return { installed, faults };
}

async function goBuild(name: BinaryName, output: string, workplace: Workplace): Promise<void> {
  const source = sources[name];
  const args = ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags', source.ldflags];
  const go = spawnBound('go', [...args, '-o', output, source.package], {
    cwd: path.join(import.meta.dirname, source.module),
    env: goEnvironment(workplace),
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const progress = new Progress(name, workplace.log);
  if (go.stderr !== null) createInterface({ input: go.stderr }).on('line', (line) => progress.add(line));
  try {
    await once(go, 'close');
    if (go.exitCode === 127) throw new MissingGo();
    if (go.exitCode !== 0) {
      throw new Error(`go build ended with ${go.exitCode ?? go.signalCode}: ${progress.tail()}`);
    }
  } finally {
    progress.end();
  }
}

function goEnvironment({ environment, platform }: Workplace): Environment {
  return {
    ...environment,
    // A go.work, vendor settings or another target of the user's would change what is built.
    GOWORK: 'off',
    GOFLAGS: '-mod=readonly',
    GOOS: platform.os,
    GOARCH: platform.arch,
    CGO_ENABLED: '0',
  };
}

class MissingGo extends Error {
  constructor() {
    super('go is not on the PATH');
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof MissingGo;
}

/** Follows what `go build -v` says, a line per module fetched or package compiled, and repeats it now and then. */
class Progress {
  readonly #name: string;
  readonly #started = Date.now();
  readonly #timer: NodeJS.Timeout;
  #lines: string[] = [];
  #count = 0;

  constructor(name: string, log: (line: string) => void) {
    this.#name = name;
    this.#timer = setInterval(() => log(this.#text()), heartbeatInterval);
  }

  add(line: string): void {
    this.#count += 1;
    this.#lines = [...this.#lines, line].slice(-8);
  }

  tail(): string {
    return this.#lines.join(' | ');
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #text(): string {
    const last = this.#lines.at(-1) ?? 'starting';
    const doing = last.startsWith('go: ') ? last.slice(4) : `${this.#count} packages, now ${last}`;
    return `  ${this.#name}: ${seconds(this.#started)} s, ${doing}`;
  }
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}
