import { z } from 'zod';

import { keyed } from './keyed.ts';
import { boundedText, matches, patternedText, type CelRule } from './rule.ts';

/** The most keys that a spec may ask for in `data`, and in `include`. */
const MOST_KEYS = 64;

/** The longest template, in characters. */
export const LONGEST_TEMPLATE = 4096;

/** What Kubernetes takes as a key of a Secret: a file name, but for `.` and whatever begins with `..`. */
const KEY_PATTERN = '^([-_a-zA-Z0-9]|[.][-_a-zA-Z0-9])[-._a-zA-Z0-9]{0,252}$';
const key = new RegExp(KEY_PATTERN);
const KEY_FORM = 'at most 253 letters, digits, "-", "_" and ".", neither "." nor with ".." at its beginning';
const KEYS_RULE = `must have keys that a Secret can have, each ${KEY_FORM}`;
const KEY_RULE = `must be a key that a Secret can have: ${KEY_FORM}`;

/**
 * The types that a Secret may have, and the keys that Kubernetes demands of each: all of them, or one of them. A token of
 * a service account is none of them: Kubernetes would fill it with somebody's rights.
 */
export const secretTypes = {
  Opaque: { demands: 'all', keys: [] },
  'kubernetes.io/basic-auth': { demands: 'one', keys: ['username', 'password'] },
  'kubernetes.io/dockerconfigjson': { demands: 'all', keys: ['.dockerconfigjson'] },
  'kubernetes.io/ssh-auth': { demands: 'all', keys: ['ssh-privatekey'] },
  'kubernetes.io/tls': { demands: 'all', keys: ['tls.crt', 'tls.key'] },
} as const satisfies Readonly<Record<string, { demands: 'all' | 'one'; keys: readonly string[] }>>;

export type SecretType = keyof typeof secretTypes;

const typeNames = Object.keys(secretTypes) as [SecretType, ...SecretType[]];

/** Whether keys are what a type demands. */
export function hasDemanded(type: SecretType, keys: Iterable<string>): boolean {
  const { demands, keys: demanded } = secretTypes[type];
  const there = new Set(keys);
  const found = demanded.filter((one) => there.has(one));
  return demands === 'all' ? found.length === demanded.length : found.length > 0;
}

/** The keys that a type demands, as a sentence names them. */
export function demandOf(type: SecretType): string {
  const { demands, keys } = secretTypes[type];
  return keys.join(demands === 'all' ? ' and ' : ' or ');
}

const templates = keyed(boundedText(LONGEST_TEMPLATE))
  .refine((map) => Object.keys(map).length > 0 && Object.keys(map).length <= MOST_KEYS, {
    error: `must have 1 to ${String(MOST_KEYS)} entries`,
  })
  .refine((map) => Object.keys(map).every((name) => key.test(name)), { error: KEYS_RULE })
  .meta({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: LONGEST_TEMPLATE },
    minProperties: 1,
    maxProperties: MOST_KEYS,
    'x-kubernetes-validations': [
      { rule: `self.all(key, ${matches('key', KEY_PATTERN)})`, message: `data ${KEYS_RULE}` },
    ] satisfies CelRule[],
  });

const included = z
  .array(
    patternedText(KEY_PATTERN, { field: 'include', must: KEY_RULE, most: 253 }).describe(
      'A key of the lease.',
    ),
  )
  .min(1)
  .max(MOST_KEYS)
  .refine((names) => new Set(names).size === names.length, { error: 'must name each key once' })
  .meta({ 'x-kubernetes-list-type': 'set' });

/** The fields of `spec.secret` that say what the Secret looks like inside. */
export const secretShape = {
  type: z
    .enum(typeNames)
    .optional()
    .describe(
      'Type of the Secret: Opaque (default), or one whose keys Kubernetes checks. Immutable for a Secret of one name, as it is in Kubernetes.',
    ),
  data: templates
    .optional()
    .describe(
      'Keys of the Secret, each a Liquid template over what the lease carries, such as "postgres://{{ DB_USERNAME | url_encode }}:{{ DB_PASSWORD | url_encode }}@db/orders". With it, only these keys and those of include are in the Secret. A change asks for a new lease at once.',
    ),
  include: included
    .optional()
    .describe(
      'Keys that are copied from the lease as they are. Without data and include every key is. A change asks for a new lease at once.',
    ),
};

interface ShapeFields {
  readonly type?: SecretType | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
  readonly include?: readonly string[] | undefined;
}

const TWICE = 'must not name a key that data has, too';

/** The rules about several fields at once, as they stand in `spec.secret`. */
const shapeRules: readonly {
  readonly field: 'include' | 'type';
  readonly must: string;
  readonly cel: string;
  readonly holds: (shape: ShapeFields) => boolean;
}[] = [
  {
    field: 'include',
    must: TWICE,
    cel: '!has(self.data) || !has(self.include) || self.include.all(key, !(key in self.data))',
    holds: ({ data, include }) =>
      data === undefined || include === undefined || include.every((name) => !Object.hasOwn(data, name)),
  },
  ...typeNames
    .filter((type) => secretTypes[type].keys.length > 0)
    .map((type) => ({
      field: 'type' as const,
      must: `must not be ${type} without ${demandOf(type)} in data or include, where one of these is given`,
      cel: `!has(self.type) || self.type != '${type}' || !(has(self.data) || has(self.include)) || ${celDemand(type)}`,
      holds: ({ type: given, data, include }: ShapeFields) =>
        given !== type ||
        (data === undefined && include === undefined) ||
        hasDemanded(type, [...Object.keys(data ?? {}), ...(include ?? [])]),
    })),
];

function celDemand(type: SecretType): string {
  const { demands, keys } = secretTypes[type];
  const has = keys.map(
    (name) => `(has(self.data) && '${name}' in self.data || has(self.include) && '${name}' in self.include)`,
  );
  return `(${has.join(demands === 'all' ? ' && ' : ' || ')})`;
}

export const secretShapeRules: readonly CelRule[] = shapeRules.map(({ field, must, cel }) => ({
  rule: cel,
  message: `${field} ${must}`,
  fieldPath: `.${field}`,
}));

/** What is wrong with the fields together: the field and the rest of the sentence. */
export function shapeBreaches(
  shape: ShapeFields,
): readonly { readonly field: string; readonly must: string }[] {
  return shapeRules.filter(({ holds }) => !holds(shape));
}
