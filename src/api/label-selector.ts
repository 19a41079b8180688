import { z } from 'zod';

import { boundedText } from './rule.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** The most requirements of a selector, and values of a requirement; keeps the cost of the CEL rules in bounds. */
const MOST = 64;

/** The most characters of a label's value, and of its key: a prefix of 253, a slash, a name of 63. */
const MOST_VALUE = 63;
const MOST_KEY = 317;

const labelKey = boundedText(MOST_KEY)
  .refine((text) => text !== '', { error: 'must not be empty' })
  .meta({ minLength: 1, maxLength: MOST_KEY });

const needsValues = 'must have values with In and NotIn, and none with Exists and DoesNotExist';

const requirement = z
  .object({
    key: labelKey.describe('The key of a label.'),
    operator: z.enum(OPERATORS).describe('In, NotIn, Exists or DoesNotExist.'),
    values: z
      .array(boundedText(MOST_VALUE).describe('A value.'))
      .max(MOST)
      .optional()
      .describe('The values of In and NotIn.'),
  })
  .refine(({ operator, values = [] }) => (operator === 'In' || operator === 'NotIn') === values.length > 0, {
    error: needsValues,
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "(self.operator == 'In' || self.operator == 'NotIn') == (has(self.values) && self.values.size() >= 1)",
        message: `matchExpressions ${needsValues}`,
      },
    ],
  })
  .describe('What must hold of one label.');

/** `metav1.LabelSelector`: all requirements must hold; without any, it selects everything. */
export const labelSelector = z.object({
  matchLabels: z
    .record(z.string(), boundedText(MOST_VALUE))
    .refine((map) => Object.keys(map).length <= MOST, {
      error: `must have at most ${String(MOST)} entries`,
    })
    .meta({ maxProperties: MOST })
    .optional()
    .describe('Labels with the values that they must have.'),
  matchExpressions: z.array(requirement).max(MOST).optional().describe('What must hold of labels.'),
});

export type LabelSelector = z.infer<typeof labelSelector>;

type Labels = Readonly<Record<string, string>>;

/** Whether a selector selects what has these labels (the rules of metav1.LabelSelector). */
export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => valueOf(labels, key) === value) &&
    matchExpressions.every((one) => holds(one, valueOf(labels, one.key)))
  );
}

/** A selector as a request to the API server has it. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const others = matchExpressions.map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'In':
        return `${key} in (${values.join(',')})`;
      case 'NotIn':
        return `${key} notin (${values.join(',')})`;
      case 'Exists':
        return key;
      case 'DoesNotExist':
        return `!${key}`;
    }
  });
  return [...equal, ...others].join(',');
}

function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** NotIn holds also where there is no such label. */
function holds({ operator, values = [] }: z.infer<typeof requirement>, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return operator satisfies never;
  }
}
