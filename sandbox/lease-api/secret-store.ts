import type { Folder } from './projects.ts';
import type { Provider } from './providers/provider.ts';

export const REVOCATION_IN_PROCESS = 'Revocation in process';

/** A dynamic secret as it is stored. */
export interface SecretRow {
  readonly id: string;
  name: string;
  readonly type: string;
  readonly folder: Folder;
  defaultTTL: string;
  maxTTL: string | null;
  status: string | null;
  statusDetails: string | null;
  readonly createdAt: number;
  updatedAt: number;
  usernameTemplate: string | null;
  metadata: readonly { readonly key: string; readonly value: string }[];
  inputs: Readonly<Record<string, unknown>>;
  provider: Provider;
  /** Whether its leases have been given to the background revocation once. */
  pruned: boolean;
  /** Replaces what the TTL says, in milliseconds; for tests that cannot wait. */
  lifeOverride: number | null;
  /** The same for the first lease only; null when that has been made. */
  firstLife: number | null;
  /** Replaces the provider's data in answers, for tests of odd data. */
  dataOverride: { readonly data: unknown } | null;
}

/** The dynamic secrets, by id and by their name in a folder. */
export class SecretStore {
  readonly #byId = new Map<string, SecretRow>();
  readonly #byFolder = new Map<string, Map<string, SecretRow>>();
  /** Every provider there ever was: a principal can outlive its dynamic secret. */
  readonly #providers = new Set<Provider>();

  get(id: string): SecretRow | undefined {
    return this.#byId.get(id);
  }

  find(folderId: string, name: string): SecretRow | undefined {
    return this.#byFolder.get(folderId)?.get(name);
  }

  inFolder(folderId: string): readonly SecretRow[] {
    return [...(this.#byFolder.get(folderId)?.values() ?? [])];
  }

  all(): readonly SecretRow[] {
    return [...this.#byId.values()];
  }

  add(row: SecretRow): void {
    this.#byId.set(row.id, row);
    const siblings = this.#byFolder.get(row.folder.id) ?? new Map<string, SecretRow>();
    this.#byFolder.set(row.folder.id, siblings);
    siblings.set(row.name, row);
    this.#providers.add(row.provider);
  }

  rename(row: SecretRow, name: string): void {
    this.#byFolder.get(row.folder.id)?.delete(row.name);
    row.name = name;
    this.#byFolder.get(row.folder.id)?.set(name, row);
  }

  /** The former provider stays known for what it made. */
  replaceProvider(row: SecretRow, provider: Provider): void {
    row.provider = provider;
    this.#providers.add(provider);
  }

  remove(row: SecretRow): void {
    this.#byId.delete(row.id);
    const siblings = this.#byFolder.get(row.folder.id);
    // The name may have been given to another one in the meantime.
    if (siblings?.get(row.name) === row) siblings.delete(row.name);
  }

  providers(): readonly Provider[] {
    return [...this.#providers];
  }

  /** All providers, which are forgotten here: the caller closes them. */
  takeProviders(): readonly Provider[] {
    const taken = this.providers();
    this.#providers.clear();
    return taken;
  }
}
