import type { DynamicSecret, ListedDynamicSecret } from '../../../../src/api/lease.ts';
import type { Change } from '../../../../src/dynamic-secret/plan.ts';
import type { MetadataEntry } from '../../../../src/dynamic-secret/declared.ts';

/** A dynamic secret on the model server. `by`: who made it, which no request can see. */
export interface Kept {
  readonly id: string;
  name: string;
  readonly by: 'us' | 'others';
  defaultTTL: string;
  maxTTL: string | null;
  metadata: readonly MetadataEntry[];
  status: string | null;
  leases: string[];
}

export interface Made {
  readonly defaultTTL: string;
  readonly maxTTL: string | null;
  readonly metadata: readonly MetadataEntry[];
}

export type Answer = { readonly ok: true; readonly dynamicSecret: DynamicSecret } | { readonly ok: false };

const refused: Answer = { ok: false };

/** `keepsMetadata`: false for a server of 2024. `latency`: what an answer takes, in milliseconds. */
export interface ServerKind {
  readonly keepsMetadata: boolean;
  readonly shows: boolean;
  readonly latency: number;
}

/** As much of the lease API as decisions can tell apart. */
export class ModelServer {
  readonly kept: Kept[] = [];
  /** What went wrong that must never do. */
  readonly wrongs: string[] = [];
  readonly keepsMetadata: boolean;
  readonly shows: boolean;
  readonly latency: number;
  patches = 0;
  #ids = 0;

  constructor({ keepsMetadata, shows, latency }: ServerKind) {
    this.keepsMetadata = keepsMetadata;
    this.shows = shows;
    this.latency = latency;
  }

  find(name: string): Kept | undefined {
    return this.kept.find((one) => one.name === name);
  }

  drop(which: (one: Kept) => boolean): void {
    for (const one of this.kept.filter(which)) this.kept.splice(this.kept.indexOf(one), 1);
  }

  /** So many leases of each of ours. */
  lease(count: number): void {
    for (const one of this.kept.filter(({ by }) => by === 'us'))
      one.leases = Array.from({ length: count }, (_, index) => `lease-${String(index)}`);
  }

  make(name: string, made: Made, by: Kept['by']): Answer {
    if (this.find(name) !== undefined) return refused;
    this.#ids += 1;
    const one = { id: `id-${String(this.#ids)}`, name, by, ...made, status: null, leases: [] };
    this.kept.push(one);
    return { ok: true, dynamicSecret: toldOf(one) };
  }

  patch(name: string, { newName, ...change }: Change): Answer {
    this.patches += 1;
    const one = this.find(name);
    if (one === undefined) return refused;
    if (newName !== undefined && this.find(newName) !== undefined) return refused;
    if (one.by === 'others') this.wrongs.push(`changed ${one.id} of others`);
    if (newName !== undefined) one.name = newName;
    if (change.defaultTTL !== undefined) one.defaultTTL = change.defaultTTL;
    if (change.maxTTL !== undefined) one.maxTTL = change.maxTTL;
    if (change.metadata !== undefined) one.metadata = change.metadata;
    one.status = null;
    return { ok: true, dynamicSecret: toldOf(one) };
  }

  /** Revoking the leases first takes a while. */
  remove(name: string, forced: boolean): Answer {
    const one = this.find(name);
    if (one === undefined) return refused;
    if (one.by === 'others') this.wrongs.push(`deleted ${one.id} of others`);
    if (one.leases.length > 0 && !forced) one.status = 'Revocation in process';
    else this.kept.splice(this.kept.indexOf(one), 1);
    return { ok: true, dynamicSecret: toldOf(one) };
  }

  revoke(name: string, lease: string): boolean {
    const one = this.find(name);
    if (one?.leases.includes(lease) !== true) return false;
    one.leases = one.leases.filter((other) => other !== lease);
    return true;
  }

  list(id: string | undefined, name: string): ListedDynamicSecret | undefined {
    if (!this.shows) return undefined;
    const one = this.kept.find((other) => other.id === id) ?? this.find(name);
    if (one === undefined) return undefined;
    const metadata = this.keepsMetadata ? one.metadata : undefined;
    return { ...toldOf(one), metadata, usernameTemplate: undefined };
  }
}

function toldOf({ id, name, defaultTTL, maxTTL, status }: Kept): DynamicSecret {
  return { id, name, type: 'sql-database', version: 1, defaultTTL, maxTTL, status, statusDetails: null };
}
