/** What every endpoint takes: one zod schema a request, for either profile, strict or lenient about unknown keys. */
import { z } from 'zod';
import { organizationSlug } from './logins/settings.ts';
import { inMemoryInputs, OTHER_TYPES, sqlInputs } from './providers/inputs.ts';
import type { Profile } from './refusal.ts';
import { type TtlRules, ttlFault } from './ttl.ts';

export const VALIDATIONS = ['strict', 'compat'] as const;
/** `strict` refuses unknown keys, as the published documents say; `compat` drops them, as the real server does. */
export type Validation = (typeof VALIDATIONS)[number];

export interface RequestRules {
  readonly profile: Profile;
  readonly validation: Validation;
  /** Asked at each request, so that it can be switched while the server runs. */
  readonly garbageTtl: () => TtlRules['garbage'];
}

/** An object schema that treats unknown keys as the server is told to. */
type ObjectSchema<S extends z.core.$ZodLooseShape> =
  z.ZodObject<z.core.util.Writeable<S>, z.core.$strict> | z.ZodObject<z.core.util.Writeable<S>>;

const slug = z.string().min(1);
/** One trailing slash goes; the root stays. */
const withoutTrailingSlash = (path: string): string =>
  path !== '/' && path.endsWith('/') ? path.slice(0, -1) : path;
const folderPath = z.string().trim().default('/').transform(withoutTrailingSlash);
const givenPath = z.string().trim().min(1).default('/').transform(withoutTrailingSlash);
const place = { projectSlug: slug, environmentSlug: slug, path: folderPath };
const leasePlace = { projectSlug: slug, environmentSlug: slug, path: givenPath };

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const secretName: Record<Profile, z.ZodType<string>> = {
  current: z
    .string()
    .trim()
    .toLowerCase()
    .min(1, 'Name field must be at least 1 character')
    .max(64, 'Name field must be at most 64 characters')
    .regex(SLUG, 'Name field can only contain letters, numbers, and hyphens'),
  '2024': z.string().toLowerCase().min(1).max(64).regex(SLUG, 'Slug must be a valid'),
};

/** Letters, digits and `_ - { } [ ] . ' space |`; the expressions are a closed set. */
const usernameTemplate = z
  .string()
  .trim()
  .max(255)
  .regex(/^[a-zA-Z0-9_\-{}[\].' |]*$/, 'Invalid username template')
  .refine(
    (text) =>
      [...text.matchAll(/\{\{(.*?)\}\}/g)].every(([, expression = '']) =>
        ['randomUsername', 'unixTimestamp', 'identity.name'].includes(expression.trim()),
      ),
    'Invalid username template expression',
  );

const metadataEntry = {
  key: z.string().trim().min(1).max(255),
  value: z.string().trim().max(1020).default(''),
};
const dropped = z
  .unknown()
  .transform(() => undefined)
  .optional();

type TokenLoginSchema = ObjectSchema<{
  identityId: z.ZodString;
  jwt: z.ZodString;
  organizationSlug: z.ZodOptional<typeof organizationSlug> | typeof dropped;
}>;

/** What the schemas are built from. */
class Mode {
  protected readonly rules: RequestRules;

  constructor(rules: RequestRules) {
    this.rules = rules;
  }

  protected object<S extends z.core.$ZodLooseShape>(shape: S): ObjectSchema<S> {
    return this.rules.validation === 'strict' ? z.strictObject(shape) : z.object(shape);
  }

  protected metadata(): z.ZodArray<ObjectSchema<typeof metadataEntry>> {
    return z.array(this.object(metadataEntry));
  }

  protected ttl(route: 'generic' | 'kubernetes' = 'generic'): z.ZodString {
    return z.string().superRefine((text, context) => {
      const { profile, garbageTtl } = this.rules;
      const message = ttlFault(text, { profile, garbage: garbageTtl(), route });
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });
  }

  protected tokenLoginOf(longest?: number): TokenLoginSchema {
    const limited = this.rules.profile === 'current' && longest !== undefined;
    return this.object({
      identityId: z.string().trim(),
      jwt: limited ? z.string().trim().max(longest) : z.string().trim(),
      organizationSlug: this.newer(organizationSlug.optional()),
    });
  }

  /** A field that servers of 2024 do not know: they drop it without a word, even when unknown keys are refused. */
  protected newer<S extends z.ZodType>(schema: S): S | typeof dropped {
    return this.rules.profile === 'current' ? schema : dropped;
  }
}

/** The schemas of all requests under one set of rules. */
export class RequestSchemas extends Mode {
  readonly login = this.object({
    clientId: z.string().trim(),
    clientSecret: z.string().trim(),
    organizationSlug: this.newer(organizationSlug.optional()),
  });

  /** The logins whose proof is a signed token. The current server takes at most 8 KiB of a service account's. */
  readonly tokenLogin = {
    kubernetes: this.tokenLoginOf(8192),
    oidc: this.tokenLoginOf(),
    jwt: this.tokenLoginOf(),
    azure: this.tokenLoginOf(),
    gcp: this.tokenLoginOf(),
  };

  /** A signed request, in parts; body and headers in base64. */
  readonly awsLogin = this.object({
    identityId: z.string().trim(),
    iamHttpRequestMethod: z.string(),
    iamRequestBody: z.string(),
    iamRequestHeaders: z.string(),
    organizationSlug: this.newer(organizationSlug.optional()),
  });

  /** As servers take it; the password is taken as it is. */
  readonly ldapLogin = this.object({
    identityId: z.string().trim(),
    username: z.string(),
    password: z.string(),
    organizationSlug: this.newer(organizationSlug.optional()),
  });

  /** `POST /auth/token/renew` and `POST /auth/token/revoke`. */
  readonly token = this.object({ accessToken: z.string().trim() });

  readonly createLease = this.object({
    dynamicSecretName: z.string().min(1).toLowerCase(),
    ...place,
    ttl: this.ttl().optional(),
    config: this.newer(z.unknown().optional()),
  });

  /** The twin for Kubernetes knows one key of `config` and treats others as unknown. */
  readonly createKubernetesLease = this.object({
    dynamicSecretName: z.string().min(1).toLowerCase(),
    ...place,
    ttl: this.ttl('kubernetes').optional(),
    config: this.object({ namespace: z.string().min(1).optional() }).optional(),
  });

  readonly renewLease = this.object({ ...leasePlace, ttl: this.ttl().optional() });

  /** Deleting a lease or a dynamic secret. */
  readonly remove = this.object({ ...leasePlace, isForced: z.boolean().default(false) });

  /** The query of every GET. */
  readonly place = this.object(place);

  /** Every `{leaseId}` is accepted here: one that is no UUID fails later, inside the server. */
  readonly leaseId = z.object({ leaseId: z.string().min(1) });

  readonly name = z.object({ name: z.string().min(1) });

  readonly createSecret = this.object({
    ...place,
    name: secretName[this.rules.profile],
    defaultTTL: this.ttl(),
    maxTTL: this.ttl().nullable().optional(),
    provider: z.discriminatedUnion('type', [
      this.object({ type: z.literal('sql-database'), inputs: this.object(sqlInputs) }),
      this.object({ type: z.literal('in-memory'), inputs: this.object(inMemoryInputs) }),
      this.object({ type: z.enum(OTHER_TYPES), inputs: z.record(z.string(), z.unknown()) }),
    ]),
    metadata: this.newer(this.metadata().optional()),
    usernameTemplate: this.newer(usernameTemplate.nullable().optional()),
  });

  readonly updateSecret = this.object({
    ...place,
    data: this.object({
      inputs: z.unknown().optional(),
      defaultTTL: this.ttl().optional(),
      maxTTL: this.ttl().nullable().optional(),
      newName: z.string().optional(),
      metadata: this.newer(this.metadata().optional()),
      usernameTemplate: this.newer(usernameTemplate.nullable().optional()),
    }),
  });
}
