import type { LeaseSpec, LeaseStatus } from '../api/dynamic-secret-lease.ts';
import type { ConnectionIdentity, DynamicSecret, Lease, LeaseRef, Target } from '../api/lease.ts';
import type { SecretRecord } from '../api/record.ts';
import type { Fault } from '../errors.ts';
import type { Timing } from '../timing.ts';

/** The object as the API server has it, its spec already checked. */
export interface ObjectView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** Milliseconds since 1970 by the API server's clock; undefined while it is not being deleted. */
  readonly deletedAt: number | undefined;
  readonly hasFinalizer: boolean;
  readonly spec:
    { readonly valid: true; readonly value: LeaseSpec } | { readonly valid: false; readonly fault: Fault };
  readonly status: LeaseStatus;
}

/** Whether the connection can be used, and as whom. `revision` is another after each change of its spec. */
export type ConnectionView =
  | { readonly state: 'usable'; readonly identity: ConnectionIdentity; readonly revision: string }
  /** `again`: milliseconds until it is worth looking again; undefined: an event will tell. */
  | {
      readonly state: 'refused';
      readonly fault: Fault;
      readonly again: number | undefined;
      /** Known unless the connection does not exist. */
      readonly identity: ConnectionIdentity | undefined;
      readonly revision: string;
    };

/** The Secret that the spec names, as far as it may be looked at. */
export type SecretView =
  | { readonly state: 'absent' }
  /** It carries our label, but is another object's. */
  | { readonly state: 'foreign' }
  | {
      readonly state: 'ours';
      readonly uid: string;
      readonly resourceVersion: string;
      /** Undefined where there is no readable record. */
      readonly record: SecretRecord | undefined;
      /** The data is not what the record's digest says. */
      readonly edited: boolean;
      /** Labels and annotations are what the spec asks for. */
      readonly dressed: boolean;
    };

/** A lease that this process was given and has not yet delivered. */
export interface LeaseInHand {
  readonly ref: LeaseRef;
  /** Elapsed milliseconds when the answer came. */
  readonly answeredAt: number;
  /** Not tried again before this many elapsed milliseconds. */
  readonly retryAt: number;
}

/** A request for a lease that got no answer. */
export interface OpenRequest {
  readonly attempt: string;
  readonly target: Target;
  readonly connection: ConnectionIdentity;
  /** Elapsed milliseconds when it was sent. */
  readonly sentAt: number;
  /** The next list is due at this many elapsed milliseconds. */
  readonly lookAt: number;
}

/**
 * What the server said when asked about a lease that nothing but a record named. One that it confirmed by its tag is
 * among the known leases.
 */
export type Attestation =
  | { readonly verdict: 'unattested' | 'forged' | 'gone' }
  /** Not found once; a second look is due at this many elapsed milliseconds. */
  | { readonly verdict: 'missing'; readonly lookAt: number };

/** Faults in a row, and when the next try is due. */
export interface Failures {
  readonly fault: Fault;
  readonly count: number;
  /** Elapsed milliseconds. */
  readonly nextAt: number;
  /** The generation of the object, and the revision of the connection, that they speak of: a new one starts afresh. */
  readonly generation: number;
  readonly revision: string;
}

/** A lease that was issued to, or confirmed for, this process. */
export interface KnownLease {
  readonly ref: LeaseRef;
  readonly lease: Lease;
  readonly dynamicSecret: DynamicSecret | undefined;
  /** Elapsed milliseconds when it was issued to this process; absent where it was only confirmed. */
  readonly issuedAt?: number;
}

/** How far a revocation has come. */
export interface Revocation {
  readonly attempts: number;
  /** Elapsed milliseconds. */
  readonly nextAt: number;
  readonly reason: Fault['code'] | undefined;
}

/** What this process remembers of an object between two looks at it. Lost in a restart, and only ever an optimisation or a witness. */
export interface Memory {
  readonly inHand: LeaseInHand | undefined;
  readonly open: OpenRequest | undefined;
  /** Leases to be revoked that no Secret names: refused at the door, or found after a lost answer. */
  readonly discarded: readonly LeaseRef[];
  /** By lease id. */
  readonly known: ReadonlyMap<string, KnownLease>;
  /** What the server last showed of a lease in a list, by lease id: newer than `known`. */
  readonly sighted: ReadonlyMap<string, Lease>;
  /** The dynamic secret of the lease in use, as the server last showed it. */
  readonly dynamicSecret: DynamicSecret | undefined;
  readonly attestations: ReadonlyMap<string, Attestation>;
  readonly revocations: ReadonlyMap<string, Revocation>;
  /** Ids of leases that are revoked or gone. */
  readonly settled: ReadonlySet<string>;
  readonly failures: Failures | undefined;
  /** This process has tried something for the object: what the status says of failures is older than what it knows. */
  readonly tried: boolean;
  /** This process has just written the finalizer with a guarded write. */
  readonly looked: boolean;
  /** The last delivery was refused: try it dry before asking for another lease. */
  readonly blocked: Fault | undefined;
  /** Elapsed milliseconds when drift was last healed by a lease. */
  readonly healedAt: number | undefined;
  /** The last write of the Secret by this process. */
  readonly written: { readonly uid: string; readonly resourceVersion: string } | undefined;
}

/** Everything that a decision may see. */
export interface DecisionInput {
  /** Undefined when the object is gone. */
  readonly object: ObjectView | undefined;
  readonly connection: ConnectionView;
  readonly secret: SecretView;
  readonly memory: Memory;
  readonly now: {
    /** Elapsed milliseconds of this process. */
    readonly elapsed: number;
    /** Milliseconds since 1970 by the lease API's clock; undefined until it was heard. */
    readonly lease: number | undefined;
    /** Milliseconds since 1970 by the Kubernetes API's clock. */
    readonly kube: number;
  };
  /** Ids of leases whose server can no longer be asked: the connection is gone for good. */
  readonly unreachable: ReadonlySet<string>;
  readonly timing: Timing;
}
