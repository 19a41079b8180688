import type { AppliedSource, DynamicSecretIntent, DynamicSecretSpec } from '../api/dynamic-secret.ts';
import type { ConnectionIdentity, Target } from '../api/lease.ts';
import type { Fault } from '../errors.ts';
import { formatInstant } from '../instant.ts';
import type { DecisionInput, DynamicSecretView } from './input.ts';
import type { Step } from './plan.ts';

/** What a policy says. `again`: milliseconds until it is worth looking again. */
export interface Verdict {
  readonly step: Step;
  readonly again?: number | undefined;
}

/** What the policies look at once spec, connection and sources are in order. */
export interface Case {
  readonly input: DecisionInput;
  readonly object: DynamicSecretView;
  readonly spec: DynamicSecretSpec;
  readonly sources: readonly AppliedSource[];
  readonly identity: ConnectionIdentity;
  /** What the spec asks for. */
  readonly declared: Target;
  /** Where it is; undefined until it is known to be this object's. */
  readonly place: Target | undefined;
}

export const wait = (again?: number): Verdict => ({ step: { do: 'wait' }, again });
export const refuse = (why: Fault, again?: number): Verdict => ({
  step: { do: 'refuse', fault: why },
  again,
});
export const look = (target: Target): Verdict => ({ step: { do: 'look', target } });
export const list = (target: Target): Verdict => ({ step: { do: 'list', target } });
export const acknowledge = (target: Target): Verdict => ({ step: { do: 'acknowledge', target } });

/** Take back what was written into the status before a request. */
export const takeBack: Verdict = { step: { do: 'intend', intent: undefined } };

/** Say in the status what is about to be asked for. */
export function intend(
  kind: DynamicSecretIntent['kind'],
  name: string,
  { input: { now }, identity: connection }: Pick<Case, 'input' | 'identity'>,
): Verdict {
  const intent = { kind, name, connection, at: formatInstant(now.kube) };
  return { step: { do: 'intend', intent } };
}

/** An act that is due at some moment, and a wait until then. */
export function at(moment: number, now: number, step: Step): Verdict {
  return moment <= now ? { step } : wait(moment - now);
}

/** The earliest of some moments or waits; undefined where none is known. */
export function earliest(moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
