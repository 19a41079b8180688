import { z } from 'zod';

import { leaseRef } from './lease.ts';

const leasePlace = leaseRef.omit({ id: true, expireAt: true, attempt: true });

const places = z.array(leasePlace);

/** Where a lease is asked for: a dynamic secret, and the connection that leads to it. */
export type LeasePlace = z.infer<typeof leasePlace>;

/** The most places that an object remembers; of more the latest count. */
export const MOST_ASKED = 8;

/** The longest value that is looked at; anybody may have written anything there. */
const MOST_CHARACTERS = 65_536;

/**
 * Reads the annotation of the places where leases were asked for.
 *
 * @returns none where there is none, or where it cannot be read.
 */
export function parseAsked(text: string | undefined): readonly LeasePlace[] {
  if (text === undefined || text.length > MOST_CHARACTERS) return [];
  const known = lately.get(text);
  if (known !== undefined) return known;
  const asked = read(text);
  if (lately.size >= MOST_LATELY) lately.clear();
  lately.set(text, asked);
  return asked;
}

/** What was read lately: all objects that lease the same have the same text. */
const lately = new Map<string, readonly LeasePlace[]>();
const MOST_LATELY = 64;

function read(text: string): readonly LeasePlace[] {
  try {
    return places.safeParse(JSON.parse(text)).data?.slice(-MOST_ASKED) ?? [];
  } catch {
    return [];
  }
}

export function formatAsked(asked: readonly LeasePlace[]): string {
  return JSON.stringify(asked.slice(-MOST_ASKED));
}
