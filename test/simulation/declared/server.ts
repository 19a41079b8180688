import type { DynamicSecret, ListedDynamicSecret, Target } from '../../../src/api/lease.ts';
import { OBJECT_METADATA_KEY } from '../../../src/api/names.ts';
import { fault, type Fault } from '../../../src/errors.ts';
import type { Declaration, DynamicSecretChange, Folder } from '../../../src/infisical/dynamic-secrets.ts';
import { RequestError } from '../../../src/infisical/request-error.ts';
import type { Actor } from '../ledger.ts';
import { DeclaredRow } from './row.ts';

/** Who asks: for a process of the operator, through a connection of this namespace. */
export interface Asker {
  readonly actor: Actor;
  readonly namespace: string;
}

/** What the server does with a dynamic secret, told before it is done. */
export interface DeclaredAct {
  readonly what: 'create' | 'update' | 'remove';
  readonly row: DeclaredRow;
  readonly asker: Asker;
  /** The uid that the request's metadata names, where it has metadata. */
  readonly mark: string | undefined;
  readonly change?: DynamicSecretChange;
  readonly forced?: boolean;
}

/** The other half of the server, and the world around it. */
export interface DeclaredSurroundings {
  readonly time: { readonly now: number };
  /** Whether the provider can be reached now. */
  readonly provides: () => boolean;
  /** Ids of the leases that live there. */
  readonly leasesOf: (id: string) => readonly string[];
  /** The server revokes a lease by itself. @returns whether that works. */
  readonly prune: (lease: string) => boolean;
  /** The server forgets a lease, whose credentials go on. */
  readonly forget: (lease: string) => void;
  readonly later: (delay: number, act: () => void) => void;
}

/** How long the server takes until it has revoked the leases of one that is to go, in milliseconds. */
const PRUNING = 4000;

/**
 * The dynamic secrets that are made through the API: a ledger of all there ever were. Throws RequestError as the client does
 * for what a server of today answers, or one of 2024.
 */
export class DeclaredServer {
  readonly rows: DeclaredRow[] = [];
  /** Whether metadata and template are kept and shown. Servers of 2024 drop them. */
  keeps = true;
  /** Whether the list shows anything: what the identity may see. */
  hidden = false;
  /** How long the replicas that reads come from lag behind, in milliseconds. */
  lag = 0;
  missing: 404 | 400 = 404;
  /** Is told of each act before it is done. */
  onAct: (act: DeclaredAct) => void = () => undefined;
  readonly #around: DeclaredSurroundings;

  constructor(around: DeclaredSurroundings) {
    this.#around = around;
  }

  /** The one of that name, as the primary has it. */
  find(target: Target): DeclaredRow | undefined {
    return this.#at(target, this.#around.time.now);
  }

  /** The one of that name, as a replica has it. */
  seen(target: Target): DeclaredRow | undefined {
    return this.#at(target, this.#around.time.now - this.lag);
  }

  create(target: Target, declared: Declaration, asker: Asker): DynamicSecret {
    const { time } = this.#around;
    if (this.find(target) !== undefined) throw refusal(fault('DynamicSecretExists', target), 400);
    this.#reach(target);
    const { defaultTTL, maxTTL, usernameTemplate, metadata, provider } = declared;
    const shown = {
      id: `20000000-0000-4000-8000-${String(this.rows.length + 1).padStart(12, '0')}`,
      name: target.dynamicSecret,
      type: provider.type,
      version: 1,
      defaultTTL,
      maxTTL: maxTTL ?? null,
      status: null,
      statusDetails: null,
      usernameTemplate: this.keeps ? (usernameTemplate ?? null) : undefined,
      metadata: this.keeps ? (metadata ?? []) : undefined,
    };
    const mark = markIn(metadata);
    const owner = asker.actor.isOperator ? (mark ?? 'unmarked') : undefined;
    const row = new DeclaredRow({ target, at: time.now, owner, shown, inputs: provider.inputs });
    this.onAct({ what: 'create', row, asker, mark });
    this.rows.push(row);
    return plain(row.shown);
  }

  update(target: Target, change: DynamicSecretChange, asker: Asker): DynamicSecret {
    const row = this.#get(target);
    const renamed = { ...target, dynamicSecret: change.newName ?? row.shown.name };
    const other = this.find(renamed);
    if (other !== undefined && other !== row)
      throw refusal(fault('DynamicSecretExists', { ...renamed, renaming: true }), 400);
    this.#reach(target);
    const mark = markIn(change.metadata);
    this.onAct({ what: 'update', row, asker, mark, change });
    const { isOperator } = asker.actor;
    if (isOperator && mark !== undefined) row.handOver(mark, this.#around.time.now);
    row.take(change, this.#around.time.now, { keeps: this.keeps, foreign: !isOperator });
    return plain(row.shown);
  }

  /** Unforced, its leases are revoked first; forced, it goes at once and nobody revokes them. */
  remove(target: Target, forced: boolean, asker: Asker): DynamicSecret {
    const row = this.#get(target);
    this.onAct({ what: 'remove', row, asker, mark: undefined, forced });
    const leases = this.#around.leasesOf(row.id);
    if (forced || leases.length === 0) {
      for (const lease of leases) this.#around.forget(lease);
      row.end(this.#around.time.now, asker.actor, forced);
      return plain({ ...row.shown, status: null });
    }
    row.shown = { ...row.shown, status: 'Revocation in process', statusDetails: null };
    this.#around.later(PRUNING, () => this.#prune(row, asker));
    return plain(row.shown);
  }

  list(folder: Folder): readonly ListedDynamicSecret[] {
    if (this.hidden) return [];
    const then = this.#around.time.now - this.lag;
    return this.rows.flatMap((row) => {
      const name = row.nameAt(then);
      return name === undefined || !isIn(folder, row.target) ? [] : [{ ...row.shown, name }];
    });
  }

  #prune(row: DeclaredRow, { actor }: Asker): void {
    if (row.removed !== undefined || row.shown.status !== 'Revocation in process') return;
    const left = this.#around.leasesOf(row.id).filter((lease) => !this.#around.prune(lease));
    if (left.length === 0) row.end(this.#around.time.now, actor, false);
    else row.shown = { ...row.shown, status: 'Failed to delete', statusDetails: 'role is in use' };
  }

  #at({ dynamicSecret, ...folder }: Target, moment: number): DeclaredRow | undefined {
    return this.rows.find((row) => isIn(folder, row.target) && row.nameAt(moment) === dynamicSecret);
  }

  #get(target: Target): DeclaredRow {
    const row = this.find(target);
    if (row !== undefined) return row;
    throw this.unknown(target);
  }

  unknown(target: Target): RequestError {
    const raised = fault('TargetNotFound', { ...target, declared: true });
    return refusal(raised, this.missing, 'target');
  }

  /** Each create and each change looks at the provider. */
  #reach(target: Target): void {
    if (!this.#around.provides()) throw refusal(fault('ProviderUnreachable', target), 400);
  }
}

export function isIn(folder: Folder, target: Target): boolean {
  return (
    folder.projectSlug === target.projectSlug &&
    folder.environmentSlug === target.environmentSlug &&
    folder.path === target.path
  );
}

export function markIn(metadata: ListedDynamicSecret['metadata']): string | undefined {
  return metadata?.find(({ key }) => key === OBJECT_METADATA_KEY)?.value;
}

function refusal(raised: Fault, status: number, notFound?: 'target'): RequestError {
  const missing = notFound === undefined ? {} : { notFound };
  return new RequestError({ fault: raised, fate: 'refused', status, ...missing });
}

/** As the answers to writes have it. */
export function plain({
  usernameTemplate: _template,
  metadata: _metadata,
  ...rest
}: ListedDynamicSecret): DynamicSecret {
  return rest;
}
