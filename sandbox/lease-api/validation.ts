import type { z } from 'zod';
import { Refusal } from './refusal.ts';

type Issue = z.core.$ZodIssue;

/**
 * Parses a part of a request.
 *
 * @throws Refusal of kind `validation`, whose message is an array of issues as the server prints them.
 */
export function parsed<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  // A request without a body has undefined or null, depending on its headers; both are "no object".
  const result = schema.safeParse(input ?? undefined);
  if (result.success) return result.data;
  throw new Refusal('validation', 'Validation failed', {
    issues: result.error.issues.map((issue) => printedIssue(issue, input)),
  });
}

/** The server uses zod 3, whose issues have other texts and keys than those of zod 4. */
function printedIssue(issue: Issue, input: unknown): Record<string, unknown> {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue, path, typeOf(valueAt(input, path)));
    case 'unrecognized_keys': {
      const keys = issue.keys.map((key) => `'${key}'`).join(', ');
      return {
        code: 'unrecognized_keys',
        keys: issue.keys,
        path,
        message: `Unrecognized key(s) in object: ${keys}`,
      };
    }
    case 'too_small':
    case 'too_big':
      return wrongSize(issue, path);
    default:
      return { code: issue.code, path, message: issue.message };
  }
}

type Path = readonly (string | number)[];

function wrongType(issue: { expected: string }, path: Path, received: string): Record<string, unknown> {
  const message = received === 'undefined' ? 'Required' : `Expected ${issue.expected}, received ${received}`;
  return { code: 'invalid_type', expected: issue.expected, received, path, message };
}

function wrongSize(
  issue: Extract<Issue, { code: 'too_small' | 'too_big' }>,
  path: Path,
): Record<string, unknown> {
  const [limit, words] =
    issue.code === 'too_small'
      ? [{ minimum: Number(issue.minimum) }, `at least ${issue.minimum}`]
      : [{ maximum: Number(issue.maximum) }, `at most ${issue.maximum}`];
  const usual = /^Too (small|big)/.test(issue.message);
  return {
    code: issue.code,
    ...limit,
    type: issue.origin,
    inclusive: true,
    exact: false,
    message: usual ? `String must contain ${words} character(s)` : issue.message,
    path,
  };
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
