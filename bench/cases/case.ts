export interface CaseOptions {
  /** How many DynamicSecretLeases there are. */
  readonly leases: number;
  /** Over how many namespaces they are spread, each with a connection of its own. */
  readonly namespaces: number;
  /** How long the case looks, in seconds; `undefined`: as long as it usually does. `idle` and `steady` only. */
  readonly window?: number | undefined;
  /** `ttl` of the leases. `steady` only. */
  readonly ttl: string;
  /** Whether the lease API is away while the leases come due. `storm` only. */
  readonly outage: boolean;
  /** Leases that the lease API gives in a minute. `limited` only. */
  readonly writeLimit: number;
}
