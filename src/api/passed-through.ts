/** The rest of a sentence about what is passed through to the server as it is. */
export const notOdd =
  'must not have the key __proto__, or prototype in constructor, at any depth: servers take them for an attack';

/** Whether a server's JSON parser takes it: what it refuses it does not name, and some answer 500. */
export function isTaken(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, one]) => !isOdd(key, one) && isTaken(one));
}

function isOdd(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return (
    key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype')
  );
}
