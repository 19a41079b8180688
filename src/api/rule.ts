import { z } from 'zod';

/** One CEL rule, as `x-kubernetes-validations` has it. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

export interface TextRule {
  /** What the API server's sentence calls the field, which comes after its whole path. */
  readonly field: string;
  /** What it must be, the rest of the sentence: `must be …`. */
  readonly must: string;
  /** The most characters, counted in code points as the API server does. */
  readonly most: number;
  /** The rule in CEL, about `self`. */
  readonly cel: string;
  /** The same rule here. */
  readonly holds: (text: string) => boolean;
}

/**
 * A text under one rule, which the API server checks as CEL and the operator as zod. A breach is answered by the
 * rule's sentence in both places; the value, which may be a credential in the wrong field, is not repeated.
 */
export function ruledText({ field, must, most, cel, holds }: TextRule): z.ZodString {
  const rule: CelRule = { rule: cel, message: `${field} ${must}` };
  return boundedText(most)
    .refine(holds, { error: must })
    .meta({ 'x-kubernetes-validations': [rule] });
}

/** A text that keeps to a pattern: a regular expression that JavaScript and RE2 read alike, without a quote in it. */
export function patternedText(pattern: string, rule: Pick<TextRule, 'field' | 'must' | 'most'>): z.ZodString {
  const expression = new RegExp(pattern);
  return ruledText({ ...rule, cel: matches('self', pattern), holds: (text) => expression.test(text) });
}

/** A text of at most so many code points. `z.string().max` counts UTF-16 units, which are more. */
export function boundedText(most: number): z.ZodString {
  return z
    .string()
    .refine((text) => text.length <= most || Array.from(text).length <= most, {
      error: `must be at most ${String(most)} characters`,
    })
    .meta({ maxLength: most });
}

/** CEL for: the value matches the pattern. */
export function matches(value: string, pattern: string): string {
  return `${value}.matches('${pattern.replaceAll('\\', '\\\\')}')`;
}
