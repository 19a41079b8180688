/**
 * What the shipped code does not do yet, and the invariants therefore allow. One line each; a line goes when its part
 * is there.
 */
export const notYet = {
  /** Leases of ended processes and of abandoned deliveries are left to end. */
  sweep: true,
  /** A lease that others revoke is noticed when it is due. */
  inventory: true,
  /** A Secret whose data was edited is noticed when its lease is due. */
  drift: true,
  /** A connection may be gone before its leases. */
  connectionFinalizer: true,
} as const;
