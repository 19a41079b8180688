import type { DynamicSecret, ListedDynamicSecret, Target } from '../api/lease.ts';

/** What a dynamic secret is made of: the create request of the API, but for its place and name. */
export interface Declaration {
  readonly defaultTTL: string;
  readonly maxTTL?: string;
  readonly usernameTemplate?: string;
  readonly metadata?: readonly { readonly key: string; readonly value: string }[];
  readonly provider: { readonly type: string; readonly inputs: Readonly<Record<string, unknown>> };
}

/** The `data` of the update request: what is absent stays as it is. */
export interface DynamicSecretChange {
  /** Merged one level deep. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly defaultTTL?: string;
  /** Null clears it. */
  readonly maxTTL?: string | null;
  /** Replaces all of it. */
  readonly metadata?: readonly { readonly key: string; readonly value: string }[];
  readonly usernameTemplate?: string | null;
  readonly newName?: string;
}

/** Where the dynamic secrets of a folder are. */
export type Folder = Omit<Target, 'dynamicSecret'>;

export interface SendOptions {
  /** Called right before each time that the request is sent, after any login or wait; what it throws ends it. */
  readonly beforeSending?: (() => void) | undefined;
}

/**
 * The calls about dynamic secrets themselves. Each throws RequestError; none is repeated by itself but the list, a read.
 *
 * The call that reads one by its name is left out: it answers with the provider's credentials. Where the answers of
 * the others have them, they are dropped as they are read.
 */
export interface DynamicSecretClient {
  /**
   * Makes it, which the server does only when it reaches the provider: up to some ten seconds. A name is taken but once
   * in a folder, so that a look tells what became of a request of unknown fate.
   */
  createDynamicSecret(target: Target, declared: Declaration, options?: SendOptions): Promise<DynamicSecret>;
  /** Changes what is named; the server looks at the provider again in any case. Sent twice, it is as sent once. */
  updateDynamicSecret(
    target: Target,
    change: DynamicSecretChange,
    options?: SendOptions,
  ): Promise<DynamicSecret>;
  /**
   * Removes it. The answer's `status` tells whether it is gone (null) or its leases are being revoked first; forced, it
   * goes at once and nobody revokes them. One that is not there is an error whose `notFound` says so.
   */
  deleteDynamicSecret(
    target: Target,
    options: SendOptions & { readonly forced: boolean },
  ): Promise<DynamicSecret>;
  /** Those of the folder that the identity may see: an empty list is no absence. */
  listDynamicSecrets(folder: Folder): Promise<readonly ListedDynamicSecret[]>;
}
