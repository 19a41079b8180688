import { z } from 'zod';
import { type Platform, platformText } from './platform.ts';
import { parseVersion, sameMinor } from './versions.ts';

/** The list of envtest releases: by version, by archive name. */
export const envtestIndex = z.object({
  releases: z.record(
    z.string(),
    z.record(z.string(), z.object({ hash: z.string().regex(/^[0-9a-f]{128}$/), selfLink: z.url() })),
  ),
});

export type EnvtestIndex = z.infer<typeof envtestIndex>;

export interface EnvtestArchive {
  readonly version: string;
  readonly url: string;
  readonly sha512: string;
}

/** The archive for a Kubernetes version, or else that of the nearest patch release of the same minor version. */
export function chooseArchive(
  index: EnvtestIndex,
  wanted: string,
  platform: Platform,
): EnvtestArchive | undefined {
  const patch = parseVersion(wanted)?.patch ?? 0;
  const distance = (version: string): number => Math.abs((parseVersion(version)?.patch ?? 0) - patch);
  return Object.entries(index.releases)
    .filter(([version]) => sameMinor(version, wanted))
    .flatMap(([version, archives]) => {
      const archive = archives[`envtest-${version}-${platformText(platform)}.tar.gz`];
      return archive === undefined ? [] : [{ version, url: archive.selfLink, sha512: archive.hash }];
    })
    .sort((a, b) => distance(a.version) - distance(b.version))[0];
}
