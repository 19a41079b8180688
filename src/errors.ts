/**
 * The table of everything that can go wrong, as a user meets it: a code (the reason of a condition), how it is
 * retried, and a sentence that names the field or the object and what to do. A sentence holds names, statuses and
 * limits only: never a credential, a server's own words, a time or a counter, so that it changes only when the
 * fault does.
 */
import { connectionFaults } from './errors/connection.ts';
import { dynamicSecretFaults } from './errors/dynamic-secret.ts';
import { entry, type Entry, type RetryClass } from './errors/entry.ts';
import { leaseFaults } from './errors/lease.ts';
import { secretFaults } from './errors/secret.ts';
import { serverFaults } from './errors/server.ts';

export type { RetryClass } from './errors/entry.ts';
export type { DeclaredName, TargetName } from './errors/names.ts';

const table = {
  InvalidSpec: entry('change', (d: { field: string; rule: string }) => `${d.field} ${d.rule}.`),
  ...connectionFaults,
  ...serverFaults,
  ...leaseFaults,
  ...dynamicSecretFaults,
  ...secretFaults,
  Internal: entry(
    'backoff',
    () => 'The operator met a fault of its own. Its log has the details; please report it.',
  ),
} as const;

/** The closed set of fault codes. They appear as condition reasons and metric labels. */
export type FaultCode = keyof typeof table;

export const faultCodes = Object.keys(table) as readonly FaultCode[];

type Details<Code extends FaultCode> = Parameters<(typeof table)[Code]['sentence']>[0];

/** One fault, ready to be shown. */
export interface Fault {
  readonly code: FaultCode;
  readonly retry: RetryClass;
  /** The sentence for the user. */
  readonly message: string;
  /** The server's own wish: not again before this many milliseconds. */
  readonly retryAfter?: number;
}

/**
 * Makes a fault of the table.
 *
 * @param details what the sentence names; its type is the code's own.
 * @param retryAfter milliseconds that the server asked us to wait.
 */
export function fault<Code extends FaultCode>(
  code: Code,
  details: Details<Code>,
  retryAfter?: number,
): Fault {
  const row = table[code] as Entry<Details<Code>>;
  const made = { code, retry: row.retry, message: row.sentence(details) };
  return retryAfter === undefined ? made : { ...made, retryAfter };
}

/** How a code is retried. */
export function retryClass(code: FaultCode): RetryClass {
  return table[code].retry;
}

/**
 * A fault on its way up. The `message` is the fault's sentence; a `cause` is kept for debugging in memory and is
 * never printed.
 */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(raised: Fault, options?: ErrorOptions) {
    super(raised.message, options);
    this.fault = raised;
  }
}
