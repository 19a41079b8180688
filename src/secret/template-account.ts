/**
 * All that filling one template may cost, in UTF-16 code units: what it prints, what its filters make, and what it
 * compares. As there are no loops either, this bounds the time that it takes.
 */
export const MOST_UNITS = 1024 * 1024;

/** What looking at one member of a list costs, and of an object: as much time as so many characters of a text. */
const ITEM = 16;
const ENTRY = 64;

/** Pays for what a template does, in UTF-16 code units. @throws when more is done than a template may. */
export type Spend = (units: number) => void;

class TooMuch extends Error {}

/** What the template that is being filled may still do. Filling is synchronous, so one account is enough. */
let left = 0;

/** Begins the account of another template. */
export function openAccount(): void {
  left = MOST_UNITS;
}

/** Whether it was overdrawn. */
export function isOverdrawn(): boolean {
  return left < 0;
}

export const spend: Spend = (units) => {
  left -= units;
  if (left < 0) throw new TooMuch('More is made than a template may.');
};

/** Pays for a look at the whole of a value, before it is looked at. */
export function spendOn(value: unknown): void {
  if (typeof value === 'string') return spend(value.length);
  if (typeof value !== 'object' || value === null) return;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  spend(members.length * (Array.isArray(value) ? ITEM : ENTRY));
  for (const member of members) spendOn(member);
}
