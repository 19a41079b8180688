import type { LeaseRef } from '../../src/api/lease.ts';
import type { LeaseCause, Plan, Step } from '../../src/lease/plan.ts';
import type { DecisionInput } from '../../src/lease/input.ts';
import { aRef } from './builders.ts';

/** One case of a table of decisions: what is the case, and what is decided. */
export interface Decision {
  readonly input: DecisionInput;
  readonly policy: string;
  readonly step: Step;
  /** Milliseconds; without it: only an event brings the next look. */
  readonly again?: number;
  /** Ids of the leases to revoke beside the step. Default: none. */
  readonly revokes?: readonly string[];
}

/** A plan in the words of a {@link Decision}, for comparison. */
export function inWords({ policy, step, again, revocations }: Plan): unknown {
  return { policy, step, again, revokes: revocations.map(({ id }) => id) };
}

/** What a {@link Decision} expects. */
export function expected({ policy, step, again, revokes = [] }: Decision): unknown {
  return { policy, step, again, revokes };
}

export const wait: Step = { do: 'wait' };

/** A request for a lease that takes the named one along. With `look` a live read comes first. */
export function leaseStep(cause: LeaseCause, replaced?: string, look = true, crowdedOut?: LeaseRef): Step {
  return {
    do: 'lease',
    cause,
    replaced: replaced === undefined ? undefined : aRef({ id: replaced }),
    look,
    crowdedOut,
  };
}
