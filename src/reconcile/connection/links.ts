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
   * revoke it any more. A cluster connection serves only what was leased through it, or through one of its name
   * before it, also when the grant has been taken back: what was granted must be revoked.
   */
  towards(namespace: string, identity: ConnectionIdentity): Link | undefined;
  /** The connection is gone. Its link stays for as long as something of the namespace may have to be revoked or removed by it. */
  drop(key: string): void;
  /** A lease or a DynamicSecret of this namespace is gone; links that were kept for the last one are closed. */
  release(namespace: string): void;
  /**
   * Something that a connection refers to may have changed.
   *
   * @returns whether its credential has: then the connection is to be reconciled.
   */
  recheck(key: string): Promise<boolean>;
  close(): Promise<void>;
}

interface Entry {
  readonly connection: ConnectionRecord;
  readonly link: Link;
}

/** Makes the link of a connection whose spec is valid. @throws FaultError when it cannot be used. */
export type OpenLink = (connection: ConnectionRecord, identity: ConnectionIdentity) => Link;

/** What exists in a namespace, as far as links depend on it. The empty one stands for the cluster. */
export interface NamespaceView {
  connections(namespace: string): readonly ConnectionRecord[];
  /** Leases, or what declares dynamic secrets. */
  hasUsers(namespace: string): boolean;
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
    if (needed && within.hasUsers(entry.connection.namespace)) former.add(entry);
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
  function keptTowards(namespace: string, identity: ConnectionIdentity): Link | undefined {
    const kept = [...former, ...entries.values()].filter(({ connection }) =>
      serves(connection, namespace, identity),
    );
    return kept.find(({ link }) => link.identity.host === identity.host)?.link;
  }

  return {
    of,
    towards(namespace, identity) {
      const all = [...within.connections(namespace), ...within.connections('')];
      const candidates = all.filter(
        (one) => serves(one, namespace, identity) && hostOf(one) === identity.host,
      );
      const best = candidates.find((connection) => connection.uid === identity.uid) ?? candidates[0];
      const found = best === undefined ? undefined : of(best);
      return found?.ok === true ? found.link : keptTowards(namespace, identity);
    },
    drop(key) {
      const entry = entries.get(key);
      entries.delete(key);
      if (entry !== undefined) retire(entry, true);
    },
    release(namespace) {
      for (const entry of former) {
        const { namespace: own } = entry.connection;
        if ((own !== namespace && own !== '') || within.hasUsers(own)) continue;
        former.delete(entry);
        void entry.link.close();
      }
    },
    recheck: (key) => entries.get(key)?.link.recheck() ?? Promise.resolve(false),
    async close() {
      const all = [...entries.values(), ...former];
      entries.clear();
      former.clear();
      await Promise.all(all.map(({ link }) => link.close()));
    },
  };
}

/** Whether leases of a namespace that were made through `identity` are a connection's business. */
function serves(connection: ConnectionRecord, namespace: string, identity: ConnectionIdentity): boolean {
  if (connection.kind === 'InfisicalConnection') return connection.namespace === namespace;
  return identity.kind === connection.kind && identity.name === connection.name;
}

/** Of the same spec. Its deletion gives a connection another generation, and must not cost the session. */
function isSame(one: ConnectionRecord, other: ConnectionRecord): boolean {
  if (one.uid !== other.uid) return false;
  return one.generation === other.generation || equal(one.spec, other.spec);
}

/** As a Ref names a connection. */
export function identityOf(connection: ConnectionRecord): ConnectionIdentity {
  const { kind, name, uid } = connection;
  return { kind, name, uid, host: hostOf(connection) ?? '' };
}

/** The server that a connection leads to; undefined where its spec cannot be read. */
export function hostOf({ spec }: ConnectionRecord): string | undefined {
  return spec.valid ? serverOf(spec.value.hostAPI) : undefined;
}
