import type { LeaseRef } from '../api/lease.ts';
import type { SecretRecord } from '../api/record.ts';
import type { Fault, FaultCode } from '../errors.ts';
import type { LeaseInHand, OpenRequest } from './input.ts';

/** Why a new lease is asked for. */
export type LeaseCause =
  | 'first'
  | 'secret-renamed'
  | 'secret-deleted'
  | 'secret-edited'
  | 'record-refused'
  | 'lost'
  | 'expired'
  | 'target-changed'
  | 'shape-changed'
  | 'asked'
  | 'due';

/** The one thing to do next for an object. */
export type Step =
  /** List the leases, and see whether the unanswered request made one. */
  | { readonly do: 'settle'; readonly open: OpenRequest }
  /** Write the lease in hand into the Secret. */
  | { readonly do: 'deliver'; readonly inHand: LeaseInHand }
  /** Keep what is there, and say why nothing more happens. */
  | { readonly do: 'refuse'; readonly fault: Fault }
  | { readonly do: 'announce' }
  /** Try the Secret's write without effect. */
  | { readonly do: 'tryDry'; readonly blocked: FaultCode }
  /** Ask the server about a lease that only the Secret's record names. */
  | { readonly do: 'attest'; readonly record: SecretRecord }
  /** Look for the Secret of the status, which no watch shows. */
  | { readonly do: 'seek' }
  /** See whether the Secret's data is still ours. */
  | { readonly do: 'inspect'; readonly record: SecretRecord }
  /** Lengthen the lease in use. */
  | { readonly do: 'renew'; readonly ref: LeaseRef }
  /** Bring the record in step with a lease whose end has moved; the credentials stay. */
  | { readonly do: 'inscribe'; readonly ref: LeaseRef }
  /** List the leases that the server has for the object. */
  | { readonly do: 'account' }
  /** Bring the status in step with the record. */
  | { readonly do: 'repair' }
  /** `look`: the cause may be a stale view, so one live read of the object comes first. */
  | {
      readonly do: 'lease';
      readonly cause: LeaseCause;
      readonly replaced: LeaseRef | undefined;
      readonly look: boolean;
      /** The replaced lease that is let run out unlisted, because no more of them can be listed. */
      readonly crowdedOut: LeaseRef | undefined;
    }
  /** Bring the Secret's labels and annotations in step with the spec. */
  | { readonly do: 'dress' }
  /** Part with a Secret of the object: delete it, or leave it without anything that says whose it was. */
  | ({ readonly do: 'deleteSecret' | 'releaseSecret' } & SeenSecret)
  /** Let the object go. `left`: leases that nobody revoked, and why. */
  | { readonly do: 'dropFinalizer'; readonly left: readonly LeftLease[] }
  /** Another shard serves the object: it is no business of this process any more. */
  | { readonly do: 'leave'; readonly left: readonly LeftLease[] }
  /** The object is gone and so is all that was remembered of it. */
  | { readonly do: 'forget'; readonly left: readonly LeftLease[] }
  | { readonly do: 'wait' };

/** A Secret in the one state that was seen. */
export interface SeenSecret {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** A lease that is let run out. */
export interface LeftLease {
  readonly ref: LeaseRef;
  readonly why: 'declared' | 'timeout' | 'unreachable' | 'unattested' | 'moved';
}

/** What to do: one step, and any number of revocations, which never wait behind a failing step. */
export interface Plan {
  /** The name of the policy that decided. */
  readonly policy: string;
  readonly step: Step;
  readonly revocations: readonly LeaseRef[];
  /** Milliseconds until it is worth looking again; undefined: only an event can change anything. */
  readonly again: number | undefined;
}
