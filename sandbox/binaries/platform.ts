/** A system and processor, in the words of Go and of the Kubernetes downloads. */
export interface Platform {
  readonly os: 'linux' | 'darwin';
  readonly arch: 'amd64' | 'arm64';
}

const systems = new Map<string, Platform['os']>([
  ['linux', 'linux'],
  ['darwin', 'darwin'],
]);
const processors = new Map<string, Platform['arch']>([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
]);

/**
 * The platform that this process runs on.
 *
 * @throws Error on a system or processor for which there is no kube-apiserver.
 */
export function currentPlatform(): Platform {
  const os = systems.get(process.platform);
  const arch = processors.get(process.arch);
  if (os === undefined || arch === undefined) {
    throw new Error(
      `The sandbox runs on Linux and macOS with amd64 or arm64 processors, not on ${process.platform} ${process.arch}.`,
    );
  }
  return { os, arch };
}

export function platformText({ os, arch }: Platform): string {
  return `${os}-${arch}`;
}
