import { z } from 'zod';

/**
 * An object whose keys are somebody else's choice, taken as it is. `z.record` builds a new object and leaves out the key
 * `__proto__`, which a lease may carry and a Secret may have.
 */
export function keyed<Value>(value: z.ZodType<Value>): z.ZodType<Readonly<Record<string, Value>>> {
  // Not z.custom, which no JSON schema can be made of.
  return z.unknown().refine(
    (given) =>
      typeof given === 'object' &&
      given !== null &&
      !Array.isArray(given) &&
      Object.values(given).every((one) => value.safeParse(one).success),
    // What is checked after this must be able to count on an object.
    { abort: true },
  ) as z.ZodType<Readonly<Record<string, Value>>>;
}
