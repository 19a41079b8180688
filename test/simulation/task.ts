/** A seed to play. */
export interface Task {
  readonly seed: number;
  /** Keep every line of the trace, not only the last ones. */
  readonly trace: boolean;
  /** Nobody sets a server's clock. Default: somebody may. */
  readonly steady?: boolean;
  /** Whether dynamic secrets are declared in that world. Default: in every third. */
  readonly declares?: boolean | undefined;
  /** Whether tenants say what their pods get: shapes, names, restarts. Default: in every third world, those apart. */
  readonly pods?: boolean | undefined;
}
