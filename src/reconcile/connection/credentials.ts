import { createHash } from 'node:crypto';

import type { SecretSource } from '../../api/object.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { readPlace, type PlaceReader } from './place.ts';

/** What a connection logs in with, where it is kept: Secrets that its spec names, read anew for each login. */
export interface Credentials {
  /**
   * Reads one.
   *
   * @param field that names it, for the fault's sentence.
   * @throws FaultError that names the field, the Secret and the key.
   */
  read(field: string, source: SecretSource): Promise<string>;
  /**
   * Whether any that was read is another one now. What cannot be read, or is gone, has not changed: sessions outlive the
   * Secrets that they began with, for as long as there is something to revoke.
   */
  changed(): Promise<boolean>;
}

interface Known {
  readonly source: SecretSource;
  /** Undefined where it could not be read. Digests, since what is kept in memory can end in a dump of it. */
  readonly digest: string | undefined;
}

/** @param namespace where the references of the connection lead. */
export function credentialsIn(cluster: PlaceReader, namespace: string): Credentials {
  const known = new Map<string, Known>();
  return {
    async read(field, source) {
      try {
        const place = { field, kind: 'Secret', ref: source.secretKeyRef } as const;
        const value = await readPlace(cluster, namespace, place);
        known.set(field, { source, digest: digest(value) });
        return value;
      } catch (error) {
        known.set(field, { source, digest: undefined });
        throw error;
      }
    },
    async changed() {
      const looks = [...known].map(async ([field, { source }]) => {
        const now = await glimpse(cluster, namespace, source);
        // A login may have read it meanwhile.
        return now !== undefined && digest(now) !== known.get(field)?.digest;
      });
      return (await Promise.all(looks)).includes(true);
    },
  };
}

/** @returns undefined where it is gone or cannot be read. */
async function glimpse(
  cluster: PlaceReader,
  namespace: string,
  source: SecretSource,
): Promise<string | undefined> {
  try {
    return (await cluster.readCredential(namespace, source))?.value;
  } catch (error) {
    if (error instanceof KubeError) return undefined;
    throw error;
  }
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('base64');
}
