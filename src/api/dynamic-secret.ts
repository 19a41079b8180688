import { z } from 'zod';

import { conditions } from './condition.ts';
import { connectionRef } from './connection-ref.ts';
import { duration, atLeast, parseDuration } from './duration.ts';
import { celRules, refineBy, type FieldsRule } from './fields-rule.ts';
import { inputsFrom } from './inputs-from.ts';
import { keyed } from './keyed.ts';
import { connectionIdentity } from './lease.ts';
import { OBJECT_METADATA_KEY } from './names.ts';
import { objectMeta } from './object.ts';
import { observedDynamicSecret } from './observed-dynamic-secret.ts';
import { providerInputs, providerRules, standsIn, visibleInputs, type Inputs } from './provider-inputs.ts';
import { boundedText, patternedText, ruledText } from './rule.ts';
import { requiredSqlInputs, SQL_PASSWORD, SQL_TYPE, sqlClients } from './sql-inputs.ts';
import { dynamicSecretName, folderPath, slug } from './target.ts';
import { usernameTemplate } from './username-template.ts';

const dateTime = z.string().meta({ format: 'date-time' });

const anyObject = keyed(z.unknown()).meta({
  type: 'object',
  'x-kubernetes-preserve-unknown-fields': true,
});

/** The most entries of metadata: the server takes 32, and one of them is ours. */
const MOST_METADATA = 31;

const metadataEntry = z
  .object({
    key: ruledText({
      field: 'key',
      must: `must not be empty, nor ${OBJECT_METADATA_KEY}, which is the operator's own`,
      most: 255,
      cel: `self.size() >= 1 && !(self == '${OBJECT_METADATA_KEY}')`,
      holds: (key) => key.length > 0 && key !== OBJECT_METADATA_KEY,
    }).describe('Its key.'),
    value: boundedText(1020).describe('Its value. It is no secret.'),
  })
  .describe('One entry.');

const metadata = z
  .array(metadataEntry)
  .refine((entries) => entries.length <= MOST_METADATA, {
    error: `must have at most ${String(MOST_METADATA)} items`,
  })
  .refine((entries) => new Set(entries.map(({ key }) => key)).size === entries.length, {
    error: 'must have each key once',
  })
  .meta({
    maxItems: MOST_METADATA,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['key'],
  });

const provider = z
  .object({
    type: patternedText('^[a-z0-9]+(-[a-z0-9]+)*$', {
      field: 'provider.type',
      must: 'must be a type as the API spells it, such as sql-database, mongo-db or aws-iam',
      most: 64,
    }).describe(
      'What makes the credentials, as the API spells it: sql-database, mongo-db, aws-iam. Immutable.',
    ),
    inputs: providerInputs.describe(
      'What the provider is told, as the API has it for the type. Credentials are refused: they come from inputsFrom.',
    ),
  })
  .superRefine(refineBy(providerRules))
  .meta({ 'x-kubernetes-validations': celRules(providerRules) })
  .describe('What makes the credentials, and how.');

interface SpecFields {
  readonly defaultTTL: string;
  readonly maxTTL?: string | undefined;
  readonly provider: { readonly type: string; readonly inputs: Inputs };
  readonly inputsFrom?: readonly { readonly input: string }[] | undefined;
}

const isSql = `self.provider.type == '${SQL_TYPE}'`;

const named = (input: string): string =>
  `has(self.inputsFrom) && self.inputsFrom.exists(source, source.input == '${input}')`;

const names = ({ inputsFrom: sources = [] }: SpecFields, wanted: string): boolean =>
  sources.some(({ input }) => input === wanted);

/** A port is a number, and what a Secret holds is text. */
const isText = (input: string): boolean => input !== 'port';

const rules: readonly FieldsRule<SpecFields>[] = [
  {
    path: ['maxTTL'],
    must: 'must not be shorter than defaultTTL: no lease that asks for nothing else could be made',
    cel: `!has(self.maxTTL) || (${atLeast('self.maxTTL', 'self.defaultTTL')})`,
    holds: ({ maxTTL, defaultTTL }) => maxTTL === undefined || isAtLeast(maxTTL, defaultTTL),
  },
  {
    path: ['inputsFrom'],
    must: 'must not name what stands in provider.inputs too',
    cel: `!has(self.inputsFrom) || self.inputsFrom.all(source, ${visibleInputs
      .map((input) => `!(source.input == '${input}' && has(self.provider.inputs.${input}))`)
      .join(' && ')})`,
    holds: ({ inputsFrom: sources = [], provider: { inputs } }) =>
      !sources.some(({ input }) => standsIn(inputs, input)),
  },
  ...requiredSqlInputs.map((input): FieldsRule<SpecFields> => ({
    path: ['provider', 'inputs', input],
    must: `must be given for the type ${SQL_TYPE}`,
    cel: `!(${isSql}) || has(self.provider.inputs.${input})${isText(input) ? ` || (${named(input)})` : ''}`,
    holds: (spec) =>
      spec.provider.type !== SQL_TYPE ||
      spec.provider.inputs[input] !== undefined ||
      (isText(input) && names(spec, input)),
  })),
  {
    path: ['provider', 'inputs', 'client'],
    must: `must be one of ${sqlClients.join(', ')} for the type ${SQL_TYPE}`,
    cel: `!(${isSql}) || !has(self.provider.inputs.client) || self.provider.inputs.client in ['${sqlClients.join("', '")}']`,
    holds: ({ provider: { type, inputs } }) =>
      type !== SQL_TYPE ||
      inputs['client'] === undefined ||
      sqlClients.some((client) => client === inputs['client']),
  },
  {
    path: ['inputsFrom'],
    must: `must name ${SQL_PASSWORD} for the type ${SQL_TYPE}: the key of a Secret that holds it`,
    cel: `!(${isSql}) || (${named(SQL_PASSWORD)})`,
    holds: (spec) => spec.provider.type !== SQL_TYPE || names(spec, SQL_PASSWORD),
  },
];

/** What is no duration is said by its own rule. */
function isAtLeast(value: string, least: string): boolean {
  const [one, other] = [parseDuration(value), parseDuration(least)];
  return one === undefined || other === undefined || one >= other;
}

export const dynamicSecretSpec = z
  .object({
    connectionRef: connectionRef.describe(
      'The server that keeps the dynamic secret, and the identity to make it as. A cluster connection must grant to manage.',
    ),
    name: dynamicSecretName('name').describe(
      'Name of the dynamic secret. A change renames it; its leases go on.',
    ),
    projectSlug: slug('projectSlug', 'project').describe(
      "Slug of the project, as the server's settings show it; not its display name. Immutable.",
    ),
    environmentSlug: slug('environmentSlug', 'environment').describe(
      "Slug of the environment, as the server's settings show it; not its display name. Immutable.",
    ),
    path: folderPath('path')
      .default('/')
      .describe('Its folder: / or /folder/folder, without a slash at the end. Immutable.'),
    defaultTTL: duration('defaultTTL', '1m', '10y').describe(
      'How long a lease lives that asks for nothing else. Servers of 2024 take 1d at most.',
    ),
    maxTTL: duration('maxTTL', '1m', '10y')
      .optional()
      .describe('The longest life of a lease, at least defaultTTL. Without it, no limit.'),
    usernameTemplate: usernameTemplate
      .optional()
      .describe(
        'What the names of users are like, such as {{randomUsername}} or shop_{{unixTimestamp}}. Without it, the server decides. Only newer servers know it.',
      ),
    metadata: metadata
      .optional()
      .describe(
        `What the dynamic secret is marked with, at most ${String(MOST_METADATA)} entries: roles of identities can ask for it. All of it is replaced when it changes. Only newer servers know it.`,
      ),
    provider,
    inputsFrom: inputsFrom
      .optional()
      .describe(
        'Inputs that come from Secrets, as every credential must. When a Secret changes, the server is told.',
      ),
    adoption: z
      .enum(['Refuse', 'Adopt'])
      .optional()
      .describe(
        'What is done where a dynamic secret of that name is on the server already. Refuse (default): nothing, and the status says so. Adopt: it is made what this object says, and is from then on its own.',
      ),
    deletionPolicy: z
      .enum(['Delete', 'Retain'])
      .optional()
      .describe(
        'What becomes of the dynamic secret when this object is deleted. Delete (default): its leases are revoked, then it is removed. Retain: it stays on the server, with its leases.',
      ),
  })
  .superRefine(refineBy(rules))
  .meta({ 'x-kubernetes-validations': celRules(rules) });

export type DynamicSecretSpec = z.infer<typeof dynamicSecretSpec>;

/** Where a dynamic secret is: what every later request about it must name. */
const place = z.object({
  connection: connectionIdentity,
  projectSlug: z.string(),
  environmentSlug: z.string(),
  path: z.string(),
  name: z.string().describe('Its name on the server.'),
});

const intent = z.object({
  kind: z.enum(['Create', 'Rename']),
  /** The name that it gets. */
  name: z.string(),
  connection: connectionIdentity,
  at: dateTime,
});

/** Which version of a Secret an input was last taken from. What it holds is nowhere, not even as a hash. */
const appliedSource = z.object({
  input: z.string(),
  name: z.string(),
  key: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
});

export const dynamicSecretStatus = z.object({
  observedGeneration: z.int().optional(),
  conditions: conditions.optional(),
  dynamicSecret: observedDynamicSecret.optional(),
  place: place.optional().describe('Where it is. Absent until it is known to be this object’s.'),
  intent: intent.optional().describe('What is being asked of the server, written before the request.'),
  applied: z
    .object({
      defaultTTL: z.string(),
      maxTTL: z.string().optional(),
      usernameTemplate: z.string().optional(),
      metadata: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
      inputs: anyObject.describe('The inputs of the spec, as last sent. None from a Secret is among them.'),
      sources: z.array(appliedSource).optional(),
    })
    .optional()
    .describe('What the server was last told, so that only what changes is sent.'),
  users: z.int().optional().describe('How many DynamicSecretLeases refer to it.'),
  removal: z
    .object({ leases: z.int().describe('Leases that live there still.') })
    .optional()
    .describe('How far its removal has come.'),
  attempts: z.object({ count: z.int(), reason: z.string(), nextAt: dateTime }).optional(),
});

export type DynamicSecretStatus = z.infer<typeof dynamicSecretStatus>;
export type DynamicSecretPlace = z.infer<typeof place>;
export type DynamicSecretIntent = z.infer<typeof intent>;
export type AppliedSource = z.infer<typeof appliedSource>;
export type Applied = NonNullable<DynamicSecretStatus['applied']>;

export const dynamicSecretObject = z.object({
  metadata: objectMeta,
  spec: dynamicSecretSpec,
  status: dynamicSecretStatus.optional(),
});
