import type { DynamicSecret, ListedDynamicSecret, Target } from '../../../../src/api/lease.ts';
import { fault } from '../../../../src/errors.ts';
import type { Declaration, DynamicSecretChange, Folder } from '../../../../src/infisical/dynamic-secrets.ts';
import { RequestError } from '../../../../src/infisical/request-error.ts';

/** A dynamic secret that was made through the API, with all that it was told. */
export interface DeclaredRow {
  readonly shown: ListedDynamicSecret;
  readonly target: Target;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Throws RequestError as the client does for what a server of today answers. */
export class DeclaredStore {
  #rows: readonly DeclaredRow[] = [];
  #made = 0;

  get rows(): readonly DeclaredRow[] {
    return this.#rows;
  }

  create(target: Target, declared: Declaration): DynamicSecret {
    if (this.#at(target) !== undefined) throw refusal(fault('DynamicSecretExists', target), 400);
    this.#made += 1;
    const shown = {
      id: `20000000-0000-4000-8000-${String(this.#made).padStart(12, '0')}`,
      name: target.dynamicSecret,
      type: declared.provider.type,
      version: 1,
      defaultTTL: declared.defaultTTL,
      maxTTL: declared.maxTTL ?? null,
      status: null,
      statusDetails: null,
      usernameTemplate: declared.usernameTemplate ?? null,
      metadata: declared.metadata ?? [],
    };
    this.#rows = [...this.#rows, { shown, target, inputs: declared.provider.inputs }];
    return shown;
  }

  update(target: Target, change: DynamicSecretChange): DynamicSecret {
    const row = this.#find(target);
    const { inputs, newName, ...rest } = change;
    const renamed = { ...target, dynamicSecret: newName ?? target.dynamicSecret };
    const other = this.#at(renamed);
    if (other !== undefined && other !== row) {
      throw refusal(fault('DynamicSecretExists', { ...renamed, renaming: true }), 400);
    }
    const shown = { ...row.shown, ...rest, name: renamed.dynamicSecret, status: null };
    this.#replace(row, { shown, target: renamed, inputs: { ...row.inputs, ...inputs } });
    return shown;
  }

  has(target: Target): boolean {
    return this.#at(target) !== undefined;
  }

  /** The server's word on one changes, or somebody changes it there. */
  mark(target: Target, change: Partial<ListedDynamicSecret>): void {
    const row = this.#find(target);
    this.#replace(row, { ...row, shown: { ...row.shown, ...change } });
  }

  remove(target: Target): DynamicSecret {
    const row = this.#find(target);
    this.#replace(row);
    return row.shown;
  }

  list(folder: Folder): readonly ListedDynamicSecret[] {
    return this.#rows.filter((row) => isIn(folder, row.target)).map((row) => row.shown);
  }

  #replace(row: DeclaredRow, ...by: readonly DeclaredRow[]): void {
    this.#rows = [...this.#rows.filter((other) => other !== row), ...by];
  }

  #at(target: Target): DeclaredRow | undefined {
    return this.#rows.find(
      (row) => isIn(target, row.target) && row.target.dynamicSecret === target.dynamicSecret,
    );
  }

  #find(target: Target): DeclaredRow {
    const row = this.#at(target);
    if (row !== undefined) return row;
    throw refusal(fault('TargetNotFound', { ...target, declared: true }), 404, 'target');
  }
}

function isIn(folder: Folder, target: Target): boolean {
  return (
    folder.projectSlug === target.projectSlug &&
    folder.environmentSlug === target.environmentSlug &&
    folder.path === target.path
  );
}

function refusal(raised: RequestError['fault'], status: number, notFound?: 'target'): RequestError {
  return new RequestError({
    fault: raised,
    fate: 'refused',
    status,
    ...(notFound === undefined ? {} : { notFound }),
  });
}
