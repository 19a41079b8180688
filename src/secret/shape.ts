import { createHash } from 'node:crypto';

import type { SecretType } from '../api/secret-shape.ts';
import { fault, type Fault } from '../errors.ts';
import { isTemplate, UNUSABLE } from './template.ts';

/** What a Secret looks like inside. Without `data` and `include` every key of the lease is copied. */
export interface Shape {
  readonly type: SecretType;
  /** Templates by key. */
  readonly data?: Readonly<Record<string, string>> | undefined;
  /** Keys that are copied. */
  readonly include?: readonly string[] | undefined;
}

/** What a spec says of it. */
type Asked = { readonly [Field in keyof Shape]?: Shape[Field] | undefined };

/** The shape that a spec's `secret` asks for. */
export function shapeOf(secret: Asked | undefined): Shape {
  return { type: secret?.type ?? 'Opaque', data: secret?.data, include: secret?.include };
}

/**
 * What tells one shape from another, for the record of the Secret; undefined for the plain one. The order of keys does
 * not matter.
 */
export function shapeMark({ type, data, include }: Shape): string | undefined {
  if (type === 'Opaque' && data === undefined && include === undefined) return undefined;
  const templates = Object.entries(data ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const parts = [
    type,
    data === undefined ? null : templates,
    include === undefined ? null : [...include].toSorted(),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** What a decision must know of the shape that a spec's `secret` asks for. */
export function shapeView(secret: Asked | undefined): {
  readonly fault: Fault | undefined;
  readonly mark: string | undefined;
} {
  const shape = shapeOf(secret);
  return { fault: shapeFault(shape), mark: shapeMark(shape) };
}

/** Shapes that were looked at: a template is parsed once, not at each look at its object. */
const judged = new WeakMap<object, Fault | 'fine'>();

/** The fault of a shape that no lease could fill, found before one is asked for. */
function shapeFault({ data }: Shape): Fault | undefined {
  if (data === undefined) return undefined;
  const known = judged.get(data) ?? findFault(data) ?? 'fine';
  judged.set(data, known);
  return known === 'fine' ? undefined : known;
}

function findFault(data: Readonly<Record<string, string>>): Fault | undefined {
  const wrong = Object.keys(data).find((key) => !isTemplate(data[key] ?? ''));
  return wrong === undefined
    ? undefined
    : fault('InvalidSpec', { field: `spec.secret.data.${wrong}`, rule: UNUSABLE });
}
