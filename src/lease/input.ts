import type { DeclaredLeaseSpec, LeaseStatus, Unaccounted } from '../api/dynamic-secret-lease.ts';
import type { LeasePlace } from '../api/asked.ts';
import type { ConnectionIdentity, DynamicSecret, Lease, LeaseRef, Target } from '../api/lease.ts';
import type { SecretRecord } from '../api/record.ts';
import type { Fault } from '../errors.ts';
import type { Timing } from '../timing.ts';
import type { TargetView } from './target.ts';

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
    | { readonly valid: true; readonly value: DeclaredLeaseSpec }
    | { readonly valid: false; readonly fault: Fault };
  readonly status: LeaseStatus;
  /** The value of the rotate annotation. */
  readonly rotate: string | undefined;
  /** Where leases were asked for, as the object itself notes it. */
  readonly asked: readonly LeasePlace[];
}

/**
 * Whether the connection can be used, and as whom. `revision` is another after each change of its spec, and of the dynamic
 * secret that a DynamicSecret declares.
 */
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
  /**
   * It is another's: of another object, which `by` names, for that one owns it or comes first where nobody does; or of
   * somebody else.
   */
  | { readonly state: 'foreign'; readonly by?: string | undefined }
  /** It is another's, and may be taken over. */
  | { readonly state: 'free' }
  | {
      readonly state: 'ours';
      readonly uid: string;
      readonly resourceVersion: string;
      /** Undefined where there is no readable record. */
      readonly record: SecretRecord | undefined;
      /**
       * Whether the data is what the record's digest says: `unknown` when somebody has written the Secret since we did,
       * until it was looked at.
       */
      readonly data: 'intact' | 'edited' | 'unknown';
      /** Labels and annotations are what the spec asks for. */
      readonly dressed: boolean;
    };

/** What the Secret is to look like inside. */
export interface ShapeView {
  /** Why no lease could fill it. */
  readonly fault: Fault | undefined;
  /** Tells one shape from another, as the record has it; undefined for the plain one. */
  readonly mark: string | undefined;
}

/** A Secret of the object by another name than the spec has now. */
export interface FormerSecret {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The lease that its record names; undefined where there is no readable record. */
  readonly lease: LeaseRef | undefined;
}

/** A lease that this process was given and has not yet delivered. */
export interface LeaseInHand {
  readonly ref: LeaseRef;
  /** Elapsed milliseconds when the answer came. */
  readonly answeredAt: number;
  /** Not tried again before this many elapsed milliseconds. */
  readonly retryAt: number;
  /** An earlier try may have arrived: no answer came. */
  readonly doubtful?: boolean;
}

/** A request for a lease that got no answer. */
export interface OpenRequest {
  readonly attempt: string;
  readonly target: Target;
  /** The server's id of the dynamic secret, where a DynamicSecret declares it. */
  readonly dynamicSecretId?: string;
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

/** A lease that was issued to, renewed by, or confirmed for, this process. */
export interface KnownLease {
  readonly ref: LeaseRef;
  readonly lease: Lease;
  readonly dynamicSecret: DynamicSecret | undefined;
  /** The id by which its dynamic secret was asked for, where the DynamicSecret told one; the Ref has that of the answer. */
  readonly askedFor?: string | undefined;
  /** Elapsed milliseconds when it was issued to this process, or last renewed by it; absent where it was only confirmed. */
  readonly issuedAt?: number;
  /** When it was last renewed, by the server's clock, as text; and how often. */
  readonly renewedAt?: string;
  readonly renewals?: number;
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
  /** The place that this process has noted last. A note that does not stay on the object is not written again and again. */
  readonly announced: LeasePlace | undefined;
  /** The last delivery was refused: try it dry before asking for another lease. */
  readonly blocked: Fault | undefined;
  /** Elapsed milliseconds when drift was last healed by a lease. */
  readonly healedAt: number | undefined;
  /** Ids of leases whose renewal was asked for, and may have been done without an answer. */
  readonly lengthening: ReadonlySet<string>;
  /** Ids of leases that the server would not renew, or that a renewal does not lengthen. */
  readonly unrenewable: ReadonlySet<string>;
  /** Requests whose fate cannot be found out: what the status says and what has come to it since. */
  readonly unaccounted: Unaccounted | undefined;
  /**
   * Whether every lease that this object may have is known of: this process has written the finalizer, or has listed
   * what the server has for it.
   */
  readonly accounted: boolean;
  /** The Secret of the status was looked for where no watch shows it, and is not there, or this process has parted with it. */
  readonly sought: boolean;
  /** The last write of the Secret by this process. */
  readonly written: { readonly uid: string; readonly resourceVersion: string } | undefined;
}

/**
 * Why an object is not to be seen: `gone`, it is no more; `moved`, it is there and another shard serves it, with its Secret
 * and its leases; `unclear`, nobody could be asked.
 */
export type Absence = 'gone' | 'moved' | 'unclear';

/** Everything that a decision may see. */
export interface DecisionInput {
  /** Undefined when the object is gone, or another shard's. */
  readonly object: ObjectView | undefined;
  /** Why there is no object, where there is none. Default: it is gone. */
  readonly absence?: Absence;
  readonly target: TargetView;
  readonly connection: ConnectionView;
  readonly secret: SecretView;
  readonly formers: readonly FormerSecret[];
  readonly shape: ShapeView;
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
  /** Which installation of leaseholder this is. */
  readonly install: string;
  /** Whether the operator nudges pods where a spec asks for it. */
  readonly nudgesPods: boolean;
  readonly timing: Timing;
}
