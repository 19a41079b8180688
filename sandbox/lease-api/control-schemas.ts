/** What tests may ask of a server beside its API: the shapes of every command and of its answer. */
import { z } from 'zod';
import { declaration, declaredSecret } from './declarations.ts';
import { faultRule } from './faults.ts';
import { grant, identitySeed } from './identities.ts';
import { leaseTag, ledgerEntry } from './ledger.ts';
import { inMemoryInputs, OTHER_TYPES, sqlInputs } from './providers/inputs.ts';
import { TOKEN_DEATHS } from './tokens.ts';

const slug = z.string().min(1);
const path = z.string().startsWith('/').default('/');
const life = z.number().int().min(1).nullable();

export const projectSeed = z.strictObject({
  slug,
  environments: z
    .array(z.strictObject({ slug, folders: z.array(path).default([]) }))
    .default([{ slug: 'dev', folders: [] }]),
});

export const folderSeed = z.strictObject({ projectSlug: slug, environmentSlug: slug, path });

export const placeRemoval = z.strictObject({
  projectSlug: slug,
  environmentSlug: slug.optional(),
  path: z.string().startsWith('/').optional(),
});

/** Bounds of TTLs are not checked here, so that a test can have a maximum of a few seconds. */
export const secretSeed = z.strictObject({
  projectSlug: slug,
  environmentSlug: slug,
  path,
  name: z.string().min(1),
  /** Shown instead of the provider's own type, for example `totp`, which refuses renewals. */
  type: z.string().optional(),
  defaultTTL: z.string().default('1h'),
  maxTTL: z.string().nullable().default(null),
  provider: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('sql-database'), inputs: z.strictObject(sqlInputs) }),
      z.strictObject({ type: z.literal('in-memory'), inputs: z.strictObject(inMemoryInputs).prefault({}) }),
      z.strictObject({ type: z.enum(OTHER_TYPES), inputs: z.record(z.string(), z.unknown()) }),
    ])
    .default({ type: 'in-memory', inputs: {} }),
  usernameTemplate: z.string().nullable().optional(),
  metadata: z.array(z.strictObject({ key: z.string(), value: z.string() })).default([]),
  lifeOverride: life.default(null),
  /** Milliseconds that the first lease is given; its renewals, and all others, live as they would without this. */
  firstLife: life.default(null),
  /** Replaces the answer's `data`: anything JSON can say. */
  data: z.unknown().optional(),
});

export const secretOverride = z.strictObject({
  dynamicSecretId: z.uuid(),
  /** Milliseconds; null: as the TTL says. */
  lifeOverride: life.optional(),
  /** `{data: …}` replaces the provider's data; null gives it back. */
  override: z.strictObject({ data: z.unknown() }).nullable().optional(),
});

export const grantsChange = z.strictObject({ identityId: z.uuid(), grants: z.array(grant) });
export const tokenRequest = z.strictObject({ identityId: z.uuid() });
export const tokenKill = z
  .strictObject({
    tokenId: z.uuid().optional(),
    identityId: z.uuid().optional(),
    death: z.enum(TOKEN_DEATHS),
  })
  .refine(({ tokenId, identityId }) => (tokenId === undefined) !== (identityId === undefined), {
    message: 'exactly one of tokenId and identityId',
  });
export const faultRemoval = z.strictObject({ faultId: z.string().optional() });
export const clockSetting = z.strictObject({
  offsetMs: z.number().optional(),
  scale: z.number().positive().optional(),
});
export const clockAdvance = z.strictObject({ ms: z.number().min(0) });
export const ledgerPortion = z.strictObject({
  from: z.number().int().min(0).default(0),
  /** So many entries at most; without it all that there are. */
  most: z.number().int().min(1).optional(),
});
export const switchesChange = z.strictObject({
  licensed: z.boolean().optional(),
  maintenance: z.boolean().optional(),
  garbageTtl: z.enum(['accepted', 'refused']).optional(),
  leaseLimit: z.number().int().min(0).nullable().optional(),
  lifeOverride: life.optional(),
  writeLimit: z.number().int().min(1).nullable().optional(),
  refuseLocalHosts: z.boolean().optional(),
});
export const nothing = z.strictObject({});

/** A lease row that exists now. */
export const liveLease = z.object({
  leaseId: z.string(),
  dynamicSecret: z.string(),
  dynamicSecretId: z.string(),
  externalEntityId: z.string(),
  createdAt: z.number(),
  expireAt: z.number(),
  status: z.string().nullable(),
  by: z.string(),
  tag: leaseTag.nullable(),
});

/** Both sides compared: what the leases say and what the providers have. */
export const principalReport = z.object({
  /** Principals that a lease names. */
  leased: z.array(z.string()),
  /** Principals that exist and that no lease names: leaked by the server. */
  unleased: z.array(z.string()),
  /** Leases whose principal does not exist (any more). */
  missing: z.array(z.string()),
});

export const outputs = {
  done: z.object({}),
  project: z.object({ projectId: z.string() }),
  folder: z.object({ folderId: z.string() }),
  secret: z.object({ dynamicSecretId: z.string() }),
  identity: z.object({ identityId: z.string(), clientId: z.string(), clientSecret: z.string() }),
  token: z.object({ accessToken: z.string(), tokenId: z.string() }),
  killed: z.object({ killed: z.number() }),
  fault: z.object({ faultId: z.string() }),
  faults: z.object({ faults: z.array(z.object({ id: z.string(), hits: z.number(), rule: faultRule })) }),
  switches: switchesChange.required(),
  now: z.object({ now: z.number() }),
  ledger: z.object({ entries: z.array(ledgerEntry), next: z.number() }),
  live: z.object({ leases: z.array(liveLease) }),
  principals: principalReport,
  declarations: z.object({ dynamicSecrets: z.array(declaredSecret), requests: z.array(declaration) }),
  counts: z.object({ counts: z.record(z.string(), z.record(z.string(), z.number())) }),
};
export { faultRule, identitySeed };
