import { serverOf } from '../../api/infisical-connection.ts';
import type { ConnectionIdentity } from '../../api/lease.ts';
import { FaultError, type Fault } from '../../errors.ts';
import { equal } from '../../kube/merge-patch.ts';
import type { ConnectionRecord } from '../ports.ts';
import type { Link } from './link.ts';

/** The links of all connections: one for each, made when it is first used and anew when its spec changes. */
export interface Links {
  /** @returns a fault when the spec cannot be used at all. */
  of(
    connection: ConnectionRecord,
  ): { readonly ok: true; readonly link: Link } | { readonly ok: false; readonly fault: Fault };
  /**
   * A link by which a lease can still be asked about: its own connection, another of the namespace to the same
   * server, or one that is gone and whose session is still in memory. Undefined where there is none: then nobody can
   * revoke it any more.
   */
  towards(namespace: string, identity: ConnectionIdentity): Link | undefined;
  /** The connection is gone. Its link stays for as long as leases of the namespace may have to be revoked by it. */
  drop(key: string): void;
  /** A lease of this namespace is gone; links that were kept for the last one are closed. */
  release(namespace: string): void;
  close(): Promise<void>;
}

interface Entry {
  readonly connection: ConnectionRecord;
  readonly link: Link;
}

/** Makes the link of a connection whose spec is valid. @throws FaultError when it cannot be used. */
export type OpenLink = (connection: ConnectionRecord, identity: ConnectionIdentity) => Link;

/** What exists in a namespace, as far as links depend on it. */
export interface NamespaceView {
  connections(namespace: string): readonly ConnectionRecord[];
  hasLeases(namespace: string): boolean;
}

export function links(open: OpenLink, within: NamespaceView): Links {
  const entries = new Map<string, Entry>();
  /** Of connections that are gone, or now lead to another server. */
  const former = new Set<Entry>();

  function replace(connection: ConnectionRecord): Link {
    const before = entries.get(connection.key);
    const opened = open(connection, identityOf(connection));
    entries.set(connection.key, { connection, link: opened });
    // To the same server the new link leads as well as the old one did.
    if (before !== undefined) retire(before, before.link.identity.host !== opened.identity.host);
    return opened;
  }

  function retire(entry: Entry, needed: boolean): void {
    if (needed && within.hasLeases(entry.connection.namespace)) former.add(entry);
    // Requests that are under way finish; nobody waits for them.
    else void entry.link.close();
  }

  function of(connection: ConnectionRecord): ReturnType<Links['of']> {
    if (!connection.spec.valid) return { ok: false, fault: connection.spec.fault };
    const entry = entries.get(connection.key);
    try {
      if (entry === undefined || !isSame(entry.connection, connection)) {
        return { ok: true, link: replace(connection) };
      }
      if (entry.connection.generation !== connection.generation) {
        entries.set(connection.key, { connection, link: entry.link });
      }
      return { ok: true, link: entry.link };
    } catch (error) {
      if (error instanceof FaultError) return { ok: false, fault: error.fault };
      throw error;
    }
  }

  /** Any link in memory: its connection may be gone without anybody having dropped it yet, or be no longer readable. */
  function keptTowards(namespace: string, host: string): Link | undefined {
    const kept = [...former, ...entries.values()].filter(
      ({ connection }) => connection.namespace === namespace,
    );
    return kept.find(({ link }) => link.identity.host === host)?.link;
  }

  return {
    of,
    towards(namespace, identity) {
      const candidates = within.connections(namespace).filter((one) => hostOf(one) === identity.host);
      const best = candidates.find((connection) => connection.uid === identity.uid) ?? candidates[0];
      const found = best === undefined ? undefined : of(best);
      return found?.ok === true ? found.link : keptTowards(namespace, identity.host);
    },
    drop(key) {
      const entry = entries.get(key);
      entries.delete(key);
      if (entry !== undefined) retire(entry, true);
    },
    release(namespace) {
      if (former.size === 0 || within.hasLeases(namespace)) return;
      for (const entry of former) {
        if (entry.connection.namespace !== namespace) continue;
        former.delete(entry);
        void entry.link.close();
      }
    },
    async close() {
      const all = [...entries.values(), ...former];
      entries.clear();
      former.clear();
      await Promise.all(all.map(({ link }) => link.close()));
    },
  };
}

/** Of the same spec. Its deletion gives a connection another generation, and must not cost the session. */
function isSame(one: ConnectionRecord, other: ConnectionRecord): boolean {
  if (one.uid !== other.uid) return false;
  return one.generation === other.generation || equal(one.spec, other.spec);
}

function identityOf(connection: ConnectionRecord): ConnectionIdentity {
  return {
    kind: 'InfisicalConnection',
    name: connection.name,
    uid: connection.uid,
    host: hostOf(connection) ?? '',
  };
}

/** The server that a connection leads to; undefined where its spec cannot be read. */
export function hostOf({ spec }: ConnectionRecord): string | undefined {
  return spec.valid ? serverOf(spec.value.hostAPI) : undefined;
}
