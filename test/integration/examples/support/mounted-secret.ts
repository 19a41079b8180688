import { link, mkdtemp, readlink, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A Secret as the kubelet mounts it. */
export interface MountedSecret {
  /** The path of a key's file in the volume. */
  file(key: string): string;
  /** What a container has that mounts the key by `subPath`: the file that is there now, bound to another path. */
  boundFile(key: string): Promise<string>;
  /** Puts other data in place of what is there. */
  write(data: Readonly<Record<string, string>>): Promise<void>;
}

/**
 * Writes as the kubelet does (`AtomicWriter` of kubernetes/pkg/volume/util): the files into a new folder, a link to it
 * under another name, that link renamed over `..data`, the old folder removed. The names that pods see are links into
 * `..data`, and never change.
 *
 * @param folder one that is there and empty; what is bound elsewhere is beside it.
 */
export function mountedSecret(folder: string): MountedSecret {
  const at = (name: string): string => path.join(folder, name);
  const current = (): Promise<string | undefined> => readlink(at('..data')).catch(() => undefined);
  return {
    file: at,
    async boundFile(key) {
      const bound = `${folder}.${key}`;
      await link(await realpath(at(key)), bound);
      return bound;
    },
    async write(data) {
      const before = await current();
      const version = await mkdtemp(at('..2026_03_01_12_00_00.'));
      for (const [key, text] of Object.entries(data)) await writeFile(path.join(version, key), text);
      await symlink(path.basename(version), at('..data_tmp'));
      await rename(at('..data_tmp'), at('..data'));
      if (before !== undefined) await rm(at(before), { recursive: true });
      else for (const key of Object.keys(data)) await symlink(path.join('..data', key), at(key));
    },
  };
}
