import type { ConnectionIdentity, Target } from '../api/lease.ts';
import type { AppliedSource, DynamicSecretSpec, DynamicSecretStatus } from '../api/dynamic-secret.ts';
import type { ListedDynamicSecret } from '../api/lease.ts';
import type { Fault } from '../errors.ts';
import type { Timing } from '../timing.ts';
import type { Change } from './plan.ts';

/** A `DynamicSecret` object as the API server has it, its spec already checked. */
export interface DynamicSecretView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** Milliseconds since 1970 by the API server's clock; undefined while it is not being deleted. */
  readonly deletedAt: number | undefined;
  readonly hasFinalizer: boolean;
  /** The object says that its dynamic secret may be removed without its leases being revoked (`leaseholder.dev/force-delete`). */
  readonly forced: boolean;
  readonly spec:
    | { readonly valid: true; readonly value: DynamicSecretSpec }
    | { readonly valid: false; readonly fault: Fault };
  readonly status: DynamicSecretStatus;
}

/** Whether the connection can be used, and as whom. */
export type ConnectionView =
  | { readonly state: 'usable'; readonly identity: ConnectionIdentity; readonly revision: string }
  | {
      readonly state: 'refused';
      readonly fault: Fault;
      /** Milliseconds until it is worth looking again; undefined: an event will tell. */
      readonly again: number | undefined;
      readonly identity: ConnectionIdentity | undefined;
      readonly revision: string;
    };

/** The Secrets that `spec.inputsFrom` names: that they are there, and which versions; never what they hold. */
export type SourcesView =
  | { readonly state: 'known'; readonly sources: readonly AppliedSource[] }
  | { readonly state: 'refused'; readonly fault: Fault; readonly again: number | undefined };

/** What the leases list of a name has told: the only way to learn of existence that every identity has. */
export interface Sighting {
  readonly target: Target;
  readonly existence: 'absent' | 'present';
  /** Ids of the leases that are live there. */
  readonly leases: readonly string[];
  /** Elapsed milliseconds when it was asked. */
  readonly at: number;
  /** How long the answer took, in milliseconds. */
  readonly took: number;
  /** Elapsed milliseconds of the first look that said the same, without another in between. */
  readonly since: number;
}

/** What the list of the folder's dynamic secrets has told. An empty list, or one without ours, is `hidden`, never an absence. */
export type Listing =
  | {
      readonly state: 'shown';
      readonly shown: ListedDynamicSecret;
      readonly at: number;
      readonly took: number;
    }
  | { readonly state: 'hidden'; readonly at: number; readonly took: number };

/** Faults in a row, and when the next try is due. */
export interface Failures {
  readonly fault: Fault;
  readonly count: number;
  /** Elapsed milliseconds. */
  readonly nextAt: number;
  readonly generation: number;
  readonly revision: string;
  /** The versions of the sources that they speak of, as text: a changed Secret starts afresh. */
  readonly sources: string;
}

/** How the removal that this process asks for stands. */
export interface Removal {
  /** How many DELETE requests were sent. */
  readonly tries: number;
  /** Elapsed milliseconds of the last one. */
  readonly at: number;
  /**
   * What it was answered: status null, that there is none (which a server says, too, that has lost its project), "Revocation
   * in process", "Failed to delete", or no answer that tells.
   */
  readonly answer: 'gone' | 'absent' | 'inProcess' | 'failed' | 'unknown';
}

/**
 * What this process remembers of an object between two looks at it. Lost in a restart; only ever an optimisation.
 *
 * A create, update or removal that did not surely succeed drops both sightings and the listing, so that they are made
 * anew; one that did succeed drops the listing, and makes the sighting of its target one that is present as of now (a
 * removal drops it). A revocation keeps them.
 */
export interface Memory {
  /** Of the place that status names, or that the spec asks for. */
  readonly sighting: Sighting | undefined;
  /** The same of any other name: that which a rename leads to, or which an intent names. */
  readonly sightingOfNewName: Sighting | undefined;
  /** A list that the server surely refused is `hidden`, too. */
  readonly listing: Listing | undefined;
  readonly failures: Failures | undefined;
  /** A change or removal was sent and its answer was lost: look before anything else. The next look ends it. */
  readonly doubtful: boolean;
  /**
   * Leases whose revocation was tried for the removal, by id: when the next try is due (elapsed milliseconds), whatever
   * came of it. A failed one is no failure of the object.
   */
  readonly revocations: ReadonlyMap<string, number>;
  /**
   * This process wrote the intent that the status holds, has sent at least one request for it, and each one was surely
   * refused (fate `refused`): what is there by that name is not of them. Ended by an intent anew. Default: not known,
   * and what is there counts as ours.
   */
  readonly surelyRefused?: boolean | undefined;
  /** This process has tried something: it knows more than `status.attempts`. Default: it has not. */
  readonly tried?: boolean | undefined;
  /** Elapsed milliseconds of the last create or update that succeeded: a list right after it may lag. */
  readonly changedAt?: number | undefined;
  /** The last correction of a drift that succeeded: where it did not help it is not repeated for long. */
  readonly corrected?: { readonly change: Change; readonly at: number } | undefined;
  readonly removal?: Removal | undefined;
  /** Leases whose revocation for the removal has surely failed: refused, or "Failed to delete". */
  readonly unrevoked?: ReadonlySet<string> | undefined;
}

/** Everything that a decision about one DynamicSecret may see. */
export interface DecisionInput {
  readonly object: DynamicSecretView;
  readonly connection: ConnectionView;
  readonly sources: SourcesView;
  /**
   * Names of the DynamicSecretLease objects of the namespace that lease from it and are not gone, sorted. While it is being
   * deleted, also of those that refer to another by now and have leases of it still.
   */
  readonly users: readonly string[];
  /**
   * Of the names that the spec and the intent give, those that another object, of any namespace that is looked after, has:
   * its status says so.
   */
  readonly held: readonly string[];
  /** Whether the namespace is being deleted; undefined where that is not known. */
  readonly namespaceEnding: boolean | undefined;
  readonly memory: Memory;
  readonly now: {
    readonly elapsed: number;
    /** Milliseconds since 1970 by the Kubernetes API's clock. */
    readonly kube: number;
  };
  readonly timing: Timing;
}
