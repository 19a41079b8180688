import { z } from 'zod';

import { keyed } from '../api/keyed.ts';
import {
  type DynamicSecret,
  type IssuedLease,
  type Lease,
  leaseTag,
  type ListedDynamicSecret,
} from '../api/lease.ts';
import { TAG_KEY } from '../api/names.ts';
import { withSharedTexts } from '../api/shared-text.ts';
import { formatInstant, parseInstant } from '../instant.ts';
import { shownDetails } from './details.ts';

/**
 * The answers of the lease API, read loosely: servers of every age are in use, keys come and go between them, and an
 * answer to a create that is refused here is a lease whose credentials are lost. Strict only about what leaseholder
 * builds on: the id, the end, the credentials.
 */

/** What PostgreSQL takes for a UUID. The server answers anything else in a URL with a 500. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isLeaseId(id: string): boolean {
  return UUID.test(id);
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** An instant, in the form that Kubernetes accepts. */
const instant = z
  .string()
  .refine((text) => parseInstant(text) !== undefined)
  .transform((text) => (RFC3339.test(text) ? text : formatInstant(parseInstant(text) ?? 0)));

const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? null);

const details = optionalText.transform((text) => (text === null ? null : shownDetails(text)));

const version = z
  .number()
  .nullish()
  .transform((number) => number ?? 1);

const leaseFields = z.object({
  id: z.string().regex(UUID),
  version,
  externalEntityId: optionalText,
  expireAt: instant,
  status: optionalText,
  statusDetails: details,
  dynamicSecretId: optionalText,
  config: z.unknown().optional(),
  createdAt: instant.nullish().catch(undefined),
  updatedAt: instant.nullish().catch(undefined),
});

/** An absent `createdAt` becomes `expireAt`: a lease that never looks old is never taken for lost or gone. */
function leaseOf(fields: z.infer<typeof leaseFields>): Lease {
  const createdAt = fields.createdAt ?? fields.expireAt;
  const { config, tag } = configOf(fields.config);
  const told = withSharedTexts({
    ...fields,
    tag,
    externalEntityId: fields.externalEntityId ?? '',
    dynamicSecretId: fields.dynamicSecretId ?? '',
    createdAt,
    updatedAt: fields.updatedAt ?? createdAt,
    config: undefined,
  });
  // What was passed through is the user's, and may be anything: it stays as it is.
  return { ...told, config };
}

const lease = leaseFields.transform(leaseOf);

const dynamicSecretFields = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  version,
  defaultTTL: optionalText,
  maxTTL: optionalText,
  status: optionalText,
  statusDetails: details,
});

const dynamicSecret = dynamicSecretFields.transform((fields): DynamicSecret =>
  withSharedTexts({
    ...fields,
    defaultTTL: fields.defaultTTL ?? '',
  }),
);

const metadata = z
  .array(z.object({ key: z.string(), value: z.string().nullish() }))
  .transform((entries) => entries.map(({ key, value }) => ({ key, value: value ?? '' })));

const listedDynamicSecret = dynamicSecretFields
  .extend({
    usernameTemplate: z.string().nullish().catch(undefined),
    metadata: metadata.nullish().catch(undefined),
  })
  .transform((fields): ListedDynamicSecret => ({
    ...fields,
    defaultTTL: fields.defaultTTL ?? '',
    usernameTemplate: fields.usernameTemplate,
    metadata: fields.metadata ?? undefined,
  }));

/** POST …/leases. */
export const issuedLease = z.object({
  lease,
  dynamicSecret,
  data: keyed(z.unknown()),
}) satisfies z.ZodType<IssuedLease>;

/** GET …/leases/{id}. */
export const foundLease = z
  .object({ lease: leaseFields.extend({ dynamicSecret: dynamicSecret.nullish().catch(undefined) }) })
  .transform(({ lease: { dynamicSecret: secret, ...fields } }): FoundLease => {
    const found = { lease: leaseOf(fields) };
    return secret === undefined || secret === null ? found : { ...found, dynamicSecret: secret };
  });

export interface FoundLease {
  readonly lease: Lease;
  readonly dynamicSecret?: DynamicSecret;
}

/** GET …/{name}/leases. */
export const leaseList = z
  .object({ leases: z.array(lease) })
  .transform((body): readonly Lease[] => body.leases);

/** DELETE …/leases/{id}, and POST …/leases/{id}/renew. */
export const changedLease = z.object({ lease }).transform((body): Lease => body.lease);

/**
 * POST /v1/dynamic-secrets, PATCH and DELETE /v1/dynamic-secrets/{name}. `inputs`, which newer servers add with all
 * credentials in them, is no key of this schema: it is gone with the answer.
 */
export const changedDynamicSecret = z
  .object({ dynamicSecret })
  .transform((body): DynamicSecret => body.dynamicSecret);

/** GET /v1/dynamic-secrets. */
export const dynamicSecretList = z
  .object({ dynamicSecrets: z.array(listedDynamicSecret) })
  .transform((body): readonly ListedDynamicSecret[] => body.dynamicSecrets);

/** POST /v1/auth/…/login. */
export const loginAnswer = z.object({
  accessToken: z.string().min(1),
  /** Seconds; 0 means that the method sets no limit. */
  expiresIn: z.number().nullish(),
});

/** GET /status. */
export const statusAnswer = z.object({ date: z.string().optional().catch(undefined) });

/**
 * An answer that is no success. `message` can be a list of issues; then it is dropped. Neither text ever leaves
 * faults.ts.
 */
export const refusal = z.object({
  error: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
});

const issues = z.object({
  message: z.array(
    z
      .object({ path: z.array(z.union([z.string(), z.number()])) })
      .transform(({ path }) => path)
      .catch([]),
  ),
});

/** Where the issues are that a failed validation lists. They name keys of what was sent, and can be anything. */
export function issuePaths(body: unknown): readonly (readonly (string | number)[])[] {
  return issues.safeParse(body).data?.message ?? [];
}

const configFields = keyed(z.unknown());

function configOf(config: unknown): Pick<Lease, 'config' | 'tag'> {
  const parsed = configFields.safeParse(config);
  if (!parsed.success) return { config: undefined, tag: undefined };
  const { [TAG_KEY]: tag, ...rest } = parsed.data;
  return {
    config: Object.keys(rest).length === 0 ? undefined : rest,
    tag: leaseTag.safeParse(tag).data,
  };
}
