import type { z } from 'zod';

import type { CelRule } from './rule.ts';

/** A rule about fields together, which the API server checks as CEL and the operator as zod, in the same words. */
export interface FieldsRule<Value> {
  /** The field that is blamed, below the value that the rule is about. */
  readonly path: readonly string[];
  /** What it must be, the rest of the sentence that begins with the field: `must be …`. */
  readonly must: string;
  /** The rule in CEL, about `self`. */
  readonly cel: string;
  /** The same rule here. */
  readonly holds: (value: Value) => boolean;
}

/** The rules for the API server. */
export function celRules<Value>(rules: readonly FieldsRule<Value>[]): readonly CelRule[] {
  return rules.map(({ path, must, cel }) => ({
    rule: cel,
    message: `${path.at(-1) ?? ''} ${must}`,
    fieldPath: `.${path.join('.')}`,
  }));
}

/** The rules for zod's `superRefine`. */
export function refineBy<Value>(
  rules: readonly FieldsRule<Value>[],
): (value: Value, context: z.RefinementCtx) => void {
  return (value, context) => {
    for (const { path, must, holds } of rules) {
      if (!holds(value)) context.addIssue({ code: 'custom', path: [...path], message: must });
    }
  };
}
