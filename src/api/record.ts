import { z } from 'zod';

import { leaseRef } from './lease.ts';
import { withSharedTexts } from './shared-text.ts';

/** An id that is no UUID was never one of the server's, and must not reach a URL. */
const recordedRef = leaseRef.extend({ id: z.uuid() });

/** The longest value of the rotate annotation that is honoured, in characters; of a longer one this much counts. */
export const MOST_ROTATE = 256;

/**
 * The commit record of a Secret, one annotation written together with the data: which lease the data came from, and
 * which leases that write replaced. Status is a report rebuilt from it.
 */
export const secretRecord = z.object({
  lease: recordedRef,
  /** Leases that this write replaced. They move to `status.retiring` with the status write that follows. */
  previous: z.array(recordedRef).max(17),
  /** SHA-256 of the Secret's data as canonical JSON, in hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /** The value of the annotation `leaseholder.dev/rotate` that this lease answered. */
  rotate: z.string().max(MOST_ROTATE).optional(),
  /** What tells the shape of the data (`spec.secret.type`, `data`, `include`) from another; absent for the plain one. */
  shape: z.string().max(64).optional(),
  /** The keys of the labels and annotations that the spec asked for, so that dropped ones can be removed. */
  labels: z.array(z.string()).optional(),
  annotations: z.array(z.string()).optional(),
});

export type SecretRecord = z.infer<typeof secretRecord>;

/** The longest record that is looked at; a Secret's metadata may be anybody's. */
const MOST_CHARACTERS = 65_536;

/**
 * Reads a record.
 *
 * @returns undefined where there is none or it is not one: a tenant may have written anything there.
 */
export function parseRecord(text: string | undefined): SecretRecord | undefined {
  if (text === undefined || text.length > MOST_CHARACTERS) return undefined;
  try {
    return withSharedTexts(secretRecord.safeParse(JSON.parse(text)).data);
  } catch {
    return undefined;
  }
}

export function formatRecord(record: SecretRecord): string {
  return JSON.stringify(record);
}
