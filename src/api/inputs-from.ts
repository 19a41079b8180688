import { z } from 'zod';

import { objectName, secretKeyRef } from './object.ts';
import { patternedText, type CelRule } from './rule.ts';

/** The most inputs that come from Secrets: each costs a read with every change. */
const MOST_SOURCES = 16;

const once = 'must name each input once';
const apart = 'must not name both an input and a part of it';

const rule: CelRule = {
  rule: "self.all(one, self.all(other, !other.input.startsWith(one.input + '.')))",
  message: `inputsFrom ${apart}`,
};

const source = z
  .object({
    input: patternedText('^[A-Za-z][A-Za-z0-9_]*([.][A-Za-z][A-Za-z0-9_]*)?$', {
      field: 'input',
      must: 'must be the name of an input, such as password, or of a part of one, such as auth.password',
      most: 128,
    }).describe('The input that gets the value: its name, or input.part for one inside another.'),
    secretKeyRef: secretKeyRef
      .extend({ name: objectName.describe('Name of the Secret, in the same namespace as this object.') })
      .describe('The key that holds the value, as text.'),
  })
  .describe('An input, and where it comes from.');

/** The inputs that come from Secrets. */
export const inputsFrom = z
  .array(source)
  .refine((sources) => sources.length <= MOST_SOURCES, {
    error: `must have at most ${String(MOST_SOURCES)} items`,
  })
  .refine((sources) => new Set(sources.map(({ input }) => input)).size === sources.length, { error: once })
  .refine(
    (sources) => sources.every((one) => !sources.some(({ input }) => input.startsWith(`${one.input}.`))),
    { error: apart },
  )
  .meta({
    maxItems: MOST_SOURCES,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['input'],
    'x-kubernetes-validations': [rule],
  });
