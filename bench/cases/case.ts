export interface CaseOptions {
  /** How many DynamicSecretLeases there are. */
  readonly leases: number;
  /** Over how many namespaces they are spread, each with a connection of its own. */
  readonly namespaces: number;
}
