import type { ListedDynamicSecret, Target } from '../../../src/api/lease.ts';
import type { DynamicSecretChange } from '../../../src/infisical/dynamic-secrets.ts';
import type { Actor } from '../ledger.ts';

/** From when until when something had a name. */
interface Named {
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

/** A dynamic secret of the server, whoever made it, as its maker knows it. Rows are never taken out of the ledger. */
export class DeclaredRow {
  readonly id: string;
  /** Its folder, and the name that it was made with. */
  readonly target: Target;
  readonly madeAt: number;
  /** When it got its owner. */
  ownedSince: number;
  /** When somebody else last wrote its metadata. */
  unmarkedAt = -Infinity;
  /** The uid of the object that it was made for, or last taken over by; undefined: it is somebody else's. */
  owner: string | undefined;
  /** Objects that had it before. */
  readonly formerOwners = new Set<string>();
  shown: ListedDynamicSecret;
  inputs: Readonly<Record<string, unknown>>;
  /** What others have changed since the operator wrote it last: names of fields, of inputs as `input host`. */
  readonly touched = new Set<string>();
  /** When what others had changed was last set right, by field. */
  readonly #mended = new Map<string, number>();
  /** Every name that it had, the last one open. */
  names: readonly Named[];
  removed: { readonly at: number; readonly by: Actor; readonly forced: boolean } | undefined;

  constructor(made: {
    readonly target: Target;
    readonly at: number;
    readonly owner: string | undefined;
    readonly shown: ListedDynamicSecret;
    readonly inputs: Readonly<Record<string, unknown>>;
  }) {
    this.id = made.shown.id;
    this.target = made.target;
    this.madeAt = made.at;
    this.ownedSince = made.at;
    this.owner = made.owner;
    this.shown = made.shown;
    this.inputs = made.inputs;
    this.names = [{ name: made.target.dynamicSecret, from: made.at, until: Infinity }];
  }

  /** Its name at a moment; undefined: it was not there, or is gone. */
  nameAt(moment: number): string | undefined {
    return this.names.find(({ from, until }) => from <= moment && moment < until)?.name;
  }

  /** Whether somebody has changed a field again that was set right after a moment. */
  isContested(field: string, since: number): boolean {
    return this.touched.has(field) && (this.#mended.get(field) ?? -Infinity) > since;
  }

  hadName(name: string): boolean {
    return this.names.some((one) => one.name === name);
  }

  rename(name: string, at: number): void {
    if (name === this.shown.name) return;
    this.#close(at);
    this.names = [...this.names, { name, from: at, until: Infinity }];
  }

  end(at: number, by: Actor, forced: boolean): void {
    this.#close(at);
    this.removed = { at, by, forced };
  }

  /** Whether it is an object's, or was. */
  wasOf(object: string): boolean {
    return this.owner === object || this.formerOwners.has(object);
  }

  /** It is made for another object from now on. */
  handOver(object: string, at: number): void {
    if (object === this.owner) return;
    this.ownedSince = at;
    if (this.owner !== undefined) this.formerOwners.add(this.owner);
    this.owner = object;
  }

  /**
   * Takes a change.
   *
   * @param how `keeps`: whether the server keeps metadata and template. `foreign`: it is not asked for by the operator.
   */
  take(
    change: DynamicSecretChange,
    at: number,
    how: { readonly keeps: boolean; readonly foreign: boolean },
  ): void {
    const { inputs, newName = this.shown.name, usernameTemplate, metadata, ...ttls } = change;
    const newer = {
      usernameTemplate: usernameTemplate === undefined ? this.shown.usernameTemplate : usernameTemplate,
      metadata: metadata ?? this.shown.metadata,
    };
    this.rename(newName, at);
    if (how.foreign && metadata !== undefined) this.unmarkedAt = at;
    this.#noteTouched(change, at, how.foreign);
    this.shown = { ...this.shown, ...ttls, ...(how.keeps ? newer : {}), name: newName, status: null };
    this.inputs = { ...this.inputs, ...inputs };
  }

  /** A change is noted as its maker's own, or as one that somebody else made. */
  #noteTouched(change: DynamicSecretChange, at: number, foreign: boolean): void {
    const { inputs = {}, newName: _renamed, ...fields } = change;
    const names = [...Object.keys(fields), ...Object.keys(inputs).map((name) => `input ${name}`)];
    for (const name of names) {
      if (foreign) this.touched.add(name);
      else if (this.touched.delete(name)) this.#mended.set(name, at);
    }
  }

  #close(at: number): void {
    this.names = this.names.map((one) => (one.until === Infinity ? { ...one, until: at } : one));
  }
}
