/** What a new lease is made with. */
export interface CredentialRequest {
  /** The name for the principal. */
  readonly username: string;
  /** Milliseconds on the machine's clock: what the target system compares its own clock with. May be NaN. */
  readonly expireAt: number;
}

export interface Credential {
  readonly externalEntityId: string;
  /** What the create answer shows as `data`. */
  readonly data: unknown;
}

/** A system in which leases are principals. */
export interface Provider {
  /** Resolves when the system can be reached with the configured credentials; rejects with its error otherwise. */
  check(): Promise<void>;
  create(request: CredentialRequest): Promise<Credential>;
  /** Lengthens the principal's life where the provider has a way to. */
  renew(externalEntityId: string, expireAt: number): Promise<void>;
  revoke(externalEntityId: string): Promise<void>;
  /** Those principals made through this provider that exist in the system now. */
  principals(): Promise<readonly string[]>;
  close(): Promise<void>;
}
