import { z } from 'zod';

import { celRules, refineBy, type FieldsRule } from './fields-rule.ts';
import { isTaken, notOdd } from './passed-through.ts';
import { boundedText } from './rule.ts';
import { sqlInputs } from './sql-inputs.ts';

/** The inputs of a provider, whatever its type. */
export type Inputs = Readonly<Record<string, unknown>>;

/**
 * The inputs of each provider type that are credentials, by the server's published schemas; a part of an input behind a
 * dot. A type that is not here passes through like the others, and what is a credential by name in one type is in all.
 */
export const sensitiveInputs: Readonly<Record<string, readonly string[]>> = {
  'sql-database': ['password'],
  clickhouse: ['password'],
  cassandra: ['password'],
  redis: ['password'],
  'mongo-db': ['password'],
  'mongo-db-atlas': ['adminPrivateKey'],
  'rabbit-mq': ['password'],
  'elastic-search': ['auth.password', 'auth.apiKey'],
  'aws-iam': ['secretAccessKey'],
  'aws-elasticache': ['secretAccessKey'],
  'aws-memorydb': ['auth.secretAccessKey'],
  'azure-entra-id': ['clientSecret'],
  'azure-sql-database': ['password'],
  'gcp-iam': [],
  ldap: ['bindpass'],
  snowflake: ['password'],
  'sap-hana': ['password'],
  'sap-ase': ['password'],
  vertica: ['password'],
  couchbase: ['auth.apiKey'],
  milvus: ['password'],
  kafka: ['password'],
  totp: ['secret', 'url'],
  kubernetes: ['clusterToken'],
  github: ['privateKey'],
  ssh: ['caPrivateKey'],
  'ibm-api-connect': ['clientSecret', 'apiKey'],
  tailscale: ['auth.apiKey', 'auth.clientSecret'],
  oauth: ['clientAuth.clientSecret', 'clientAuth.privateKey'],
};

/** The one name that is a credential in one type only: a link that carries the seed. Elsewhere it is an address. */
const LINK = 'url';
const LINK_TYPE = 'totp';

/** Every input that is a credential whatever the type, as paths. */
const sensitivePaths: readonly (readonly string[])[] = [...new Set(Object.values(sensitiveInputs).flat())]
  .filter((name) => name !== LINK)
  .map((name) => name.split('.'));

export const notHere =
  'must not be among the inputs, where everybody who may read this object reads it: put it in a Secret and name it in inputsFrom';

const refused = boundedText(65_536)
  .optional()
  .describe('A credential: refused here. Put it in a Secret and name it in inputsFrom.');

/** Inputs in which some are credentials and the others are the server's business. */
function guarded(
  shape: Readonly<Record<string, z.ZodType>>,
  credentials: readonly string[],
): z.ZodType<Inputs, Inputs> {
  const rules = credentials.map((name): FieldsRule<Inputs> => ({
    path: [name],
    must: notHere,
    cel: `!has(self.${name})`,
    holds: (inputs) => !Object.hasOwn(inputs, name),
  }));
  const declared = { ...shape, ...Object.fromEntries(credentials.map((name) => [name, refused])) };
  return z
    .looseObject(declared)
    .superRefine(refineBy(rules))
    .meta({ 'x-kubernetes-preserve-unknown-fields': true, 'x-kubernetes-validations': celRules(rules) });
}

/** Inputs that have credentials in them, as in `auth.password`. */
const groups = [
  ...new Set(sensitivePaths.flatMap(([head = '', part]) => (part === undefined ? [] : [head]))),
];

const credentialsOf = (group: string): readonly string[] =>
  sensitivePaths.flatMap(([head, part]) => (head === group && part !== undefined ? [part] : []));

const declaredInputs = {
  ...sqlInputs,
  [LINK]: boundedText(2048).optional().describe('An address. Of totp it is a credential, and refused here.'),
  ...Object.fromEntries(
    groups.map((group) => [
      group,
      guarded({}, credentialsOf(group)).optional().describe('How the server logs in at the provider.'),
    ]),
  ),
};

/**
 * `provider.inputs`: what a sql-database takes is typed, every known credential is declared so that the API server can
 * refuse it, and all else passes through. What is declared has its type in every provider type.
 */
export const providerInputs = guarded(
  declaredInputs,
  sensitivePaths.flatMap(([name = '', part]) => (part === undefined ? [name] : [])),
).refine(isTaken, { error: notOdd });

/** The inputs that may stand in the spec and that the API server sees. */
export const visibleInputs: readonly string[] = Object.keys(declaredInputs);

interface Provider {
  readonly type: string;
  readonly inputs: Inputs;
}

/** Rules about the inputs of one type, of `spec.provider`. */
export const providerRules: readonly FieldsRule<Provider>[] = [
  {
    path: ['inputs', LINK],
    must: notHere,
    cel: `!(self.type == '${LINK_TYPE}') || !has(self.inputs.${LINK})`,
    holds: ({ type, inputs }) => type !== LINK_TYPE || !Object.hasOwn(inputs, LINK),
  },
];

/** The whole input that a source is, or is a part of: what an update has to send. `auth.password` is a part of auth. */
export function inputOf(source: string): string {
  return source.split('.')[0] ?? source;
}

/** Whether the inputs say themselves what a source says: the same input, or one of which it can be no part. */
export function standsIn(inputs: Inputs, source: string): boolean {
  const [head = '', part] = source.split('.');
  const value = Object.hasOwn(inputs, head) ? inputs[head] : undefined;
  if (value === undefined || part === undefined) return value !== undefined;
  return !isGroup(value) || Object.hasOwn(value, part);
}

/**
 * The inputs as the server is to have them: those of the spec, and in their places those that come from Secrets.
 *
 * @param values what the Secrets hold, by `inputsFrom[].input`. Credentials: what this returns is for the request alone.
 */
export function assembled(inputs: Inputs, values: ReadonlyMap<string, string>): Inputs {
  const whole: Record<string, unknown> = { ...inputs };
  for (const [source, value] of values) {
    const [head = '', part] = source.split('.');
    const group = whole[head];
    whole[head] = part === undefined ? value : { ...(isGroup(group) ? group : {}), [part]: value };
  }
  return whole;
}

function isGroup(value: unknown): value is Inputs {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
