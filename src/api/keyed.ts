import { z } from 'zod';

/**
 * An object whose keys are somebody else's choice, taken as it is. `z.record` builds a new object and leaves out the key
 * `__proto__`, which a lease may carry and a Secret may have.
 */
export function keyed<Value>(value: z.ZodType<Value>): z.ZodType<Readonly<Record<string, Value>>> {
  return z.custom<Readonly<Record<string, Value>>>(
    (given) =>
      typeof given === 'object' &&
      given !== null &&
      !Array.isArray(given) &&
      Object.values(given).every((one) => value.safeParse(one).success),
  );
}
