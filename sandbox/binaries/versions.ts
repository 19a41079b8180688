/** The programs of the sandbox's control plane, by the names of their files. */
export const controlPlaneNames = ['kube-apiserver', 'kube-controller-manager', 'kubectl', 'etcd'] as const;

/** All programs that the sandbox uses: helm installs the chart in tests. */
export const binaryNames = [...controlPlaneNames, 'helm'] as const;

export type BinaryName = (typeof binaryNames)[number];

/** The one place where the versions stand; the files go.mod in the folders beside it name the same ones. */
export const kubernetesVersion = 'v1.34.4';
export const etcdVersion = 'v3.6.8';
export const helmVersion = 'v3.22.0';

export const binaryVersions: Readonly<Record<BinaryName, string>> = {
  'kube-apiserver': kubernetesVersion,
  'kube-controller-manager': kubernetesVersion,
  kubectl: kubernetesVersion,
  etcd: etcdVersion,
  helm: helmVersion,
};

/** `v1.34.4` as its numbers. */
export interface VersionParts {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Reads `v1.34.4`; undefined for anything else, pre-releases included. */
export function parseVersion(text: string): VersionParts | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [major, minor, patch] = match.slice(1).map(Number);
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { major, minor, patch };
}

/** Whether two versions differ in nothing but the patch number. */
export function sameMinor(a: string, b: string): boolean {
  const left = parseVersion(a);
  const right = parseVersion(b);
  return (
    left !== undefined && right !== undefined && left.major === right.major && left.minor === right.minor
  );
}
