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
  /** A lease in hand that had to wait for its turn, or as the API asked, is written after its delivery deadline. */
  deliveryDeadline: true,
  /** A dry run that passes ends the backoff of a write that is refused in earnest: a lease for each try. */
  refusedWrites: true,
  /** A connection may be gone before its leases. */
  connectionFinalizer: true,
} as const;
