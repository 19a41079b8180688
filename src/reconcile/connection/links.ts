import { serverOf } from '../../api/infisical-connection.ts';
import type { ConnectionIdentity } from '../../api/lease.ts';
import { FaultError, type Fault } from '../../errors.ts';
import type { ConnectionRecord } from '../ports.ts';
import type { Link } from './link.ts';

/** The links of all connections: one for each, made when it is first used and anew when its spec changes. */
export interface Links {
  /** @returns a fault when the spec cannot be used at all. */
  of(
    connection: ConnectionRecord,
  ): { readonly ok: true; readonly link: Link } | { readonly ok: false; readonly fault: Fault };
  /**
   * A link by which a lease can still be asked about: its own connection, or another of the namespace to the same
   * server. Undefined where there is none: then nobody can revoke it any more.
   */
  towards(namespace: string, identity: ConnectionIdentity): Link | undefined;
  /** The connection is gone. */
  drop(key: string): void;
  close(): Promise<void>;
}

interface Entry {
  readonly connection: ConnectionRecord;
  readonly link: Link;
}

/** Makes the link of a connection whose spec is valid. @throws FaultError when it cannot be used. */
export type OpenLink = (connection: ConnectionRecord, identity: ConnectionIdentity) => Link;

/** @param inNamespace the connections that exist in a namespace. */
export function links(
  open: OpenLink,
  inNamespace: (namespace: string) => readonly ConnectionRecord[],
): Links {
  const entries = new Map<string, Entry>();

  function replace(connection: ConnectionRecord): Link {
    retire(connection.key);
    const opened = open(connection, identityOf(connection));
    entries.set(connection.key, { connection, link: opened });
    return opened;
  }

  function retire(key: string): void {
    const entry = entries.get(key);
    entries.delete(key);
    // Requests that are under way finish; nobody waits for them.
    void entry?.link.close();
  }

  function of(connection: ConnectionRecord): ReturnType<Links['of']> {
    if (!connection.spec.valid) return { ok: false, fault: connection.spec.fault };
    const entry = entries.get(connection.key);
    const current =
      entry?.connection.uid === connection.uid && entry.connection.generation === connection.generation;
    try {
      return { ok: true, link: current ? entry.link : replace(connection) };
    } catch (error) {
      if (error instanceof FaultError) return { ok: false, fault: error.fault };
      throw error;
    }
  }

  return {
    of,
    towards(namespace, identity) {
      const candidates = inNamespace(namespace).filter((connection) => hostOf(connection) === identity.host);
      const best = candidates.find((connection) => connection.uid === identity.uid) ?? candidates[0];
      const found = best === undefined ? undefined : of(best);
      return found?.ok === true ? found.link : undefined;
    },
    drop: retire,
    async close() {
      await Promise.all([...entries.values()].map(({ link }) => link.close()));
      entries.clear();
    },
  };
}

function identityOf(connection: ConnectionRecord): ConnectionIdentity {
  return {
    kind: 'InfisicalConnection',
    name: connection.name,
    uid: connection.uid,
    host: hostOf(connection) ?? '',
  };
}

function hostOf({ spec }: ConnectionRecord): string | undefined {
  return spec.valid ? serverOf(spec.value.hostAPI) : undefined;
}
