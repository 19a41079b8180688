import type { AppliedSource, DynamicSecretIntent } from '../api/dynamic-secret.ts';
import type { DynamicSecret, Target } from '../api/lease.ts';
import type { Fault } from '../errors.ts';

/**
 * Which parts of a declaration a PATCH sends. Inputs are named; their values come from the spec and the Secrets. The
 * server merges inputs one level deep, so that a name is always that of a whole input, also where only a part of it
 * comes from a Secret (`auth` for `auth.password`).
 */
export interface Change {
  /** Names of the inputs to send, sorted: each whole, what the spec has of it and what Secrets add to it. */
  readonly inputs: readonly string[];
  readonly defaultTTL?: string;
  /** Null clears it. */
  readonly maxTTL?: string | null;
  /** Replaces all of it. */
  readonly metadata?: readonly { readonly key: string; readonly value: string }[];
  readonly usernameTemplate?: string | null;
  readonly newName?: string;
}

/** The one thing to do next for a DynamicSecret. */
export type Step =
  /** Write the finalizer, before the dynamic secret can exist through us. Guarded. */
  | { readonly do: 'claim' }
  /** List the leases of that name: whether it exists, and what lives there. */
  | { readonly do: 'look'; readonly target: Target }
  /** List the dynamic secrets of the folder: what is shown of ours. */
  | { readonly do: 'list'; readonly target: Target }
  /** Write into the status what is about to be asked for; undefined takes it back. Guarded. */
  | { readonly do: 'intend'; readonly intent: DynamicSecretIntent | undefined }
  /** POST it, whole. */
  | { readonly do: 'create'; readonly target: Target }
  /** PATCH what differs. `why` for the event and the metric. */
  | {
      readonly do: 'update';
      readonly target: Target;
      readonly change: Change;
      readonly why: 'declared' | 'source' | 'drift' | 'adopted' | 'renamed';
    }
  /** It is known to exist and to be ours: write that into the status (after a lost answer, or a rename seen to have worked). */
  | { readonly do: 'acknowledge'; readonly target: Target }
  /** It is lost, and nothing is made again by that name: the status no longer says that it is this object's. Guarded. */
  | { readonly do: 'forget'; readonly target: Target }
  /** Revoke one lease that lives there, before the removal. */
  | { readonly do: 'revoke'; readonly target: Target; readonly lease: string }
  /** DELETE it. */
  | { readonly do: 'remove'; readonly target: Target; readonly forced: boolean }
  /**
   * Let the object go. `left`: why a dynamic secret of that name stays on the server; undefined: none does. `foreign`:
   * what is there is not this object's.
   */
  | {
      readonly do: 'dropFinalizer';
      readonly left: 'declared' | 'timeout' | 'unreachable' | 'foreign' | undefined;
    }
  /** Keep what is there, and say why nothing more happens. */
  | { readonly do: 'refuse'; readonly fault: Fault }
  | { readonly do: 'wait' };

export interface Plan {
  /** The name of the policy that decided. */
  readonly policy: string;
  readonly step: Step;
  /** Milliseconds until it is worth looking again; undefined: only an event can change anything. */
  readonly again: number | undefined;
}

/** What a step has brought, where the status has to say so. */
export type Brought =
  | { readonly did: 'intended'; readonly intent: DynamicSecretIntent | undefined }
  | {
      readonly did: 'created';
      readonly target: Target;
      readonly dynamicSecret: DynamicSecret;
      /** The versions of the Secrets that were read for it. */
      readonly sources: readonly AppliedSource[];
    }
  | {
      readonly did: 'updated';
      /** As it was asked for: a rename is in the change. */
      readonly target: Target;
      readonly change: Change;
      readonly dynamicSecret: DynamicSecret;
      /** Of the inputs in the change that came from Secrets. */
      readonly sources: readonly AppliedSource[];
    }
  | { readonly did: 'acknowledged'; readonly target: Target }
  /** Nothing is left of what the status told. */
  | { readonly did: 'lost' }
  /** The answer of a DELETE. */
  | { readonly did: 'removed'; readonly dynamicSecret: DynamicSecret };
