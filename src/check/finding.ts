import type { Reason } from '../api/condition.ts';
import type { Fault } from '../errors.ts';

/** What is looked at, in the order in which it is shown. */
export const checks = [
  'kubernetes',
  'connection',
  'host',
  'network',
  'tls',
  'api',
  'clock',
  'credentials',
  'login',
  'grants',
  'rights',
  'logout',
] as const;

export type Check = (typeof checks)[number];

/**
 * What came of it. `fails`: the operator would fail at it. `warns`: it works, and somebody should know of it. `skipped`:
 * something before it failed.
 */
export type Result = 'ok' | 'fails' | 'warns' | 'skipped';

/** One thing that the operator needs, and whether it is there. */
export interface Finding {
  readonly check: Check;
  /** The object, server or dynamic secret that it is about. */
  readonly about: string;
  readonly result: Result;
  /** The reason that conditions would show. Absent where nothing fails. */
  readonly reason?: Reason;
  /** What was found, and where it fails what to do. Never a credential. */
  readonly message: string;
}

/** A fault, as a finding. */
export function failing(check: Check, about: string, { code, message }: Fault): Finding {
  return { check, about, result: 'fails', reason: code, message };
}

/** The exit code of a check. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 {
  return findings.some(({ result }) => result === 'fails') ? 1 : 0;
}

/** In the order of {@link checks}; what is of one check stays in its own order. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((one, other) => checks.indexOf(one.check) - checks.indexOf(other.check));
}
