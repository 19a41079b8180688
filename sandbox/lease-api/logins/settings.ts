/** How an identity may log in beside universal-auth: what an administrator sets at the server, method by method. */
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';

/** Every way to log in that the sandbox knows; `universal` needs no settings. */
export const LOGIN_METHODS = [
  'universal',
  'kubernetes',
  'oidc',
  'jwt',
  'aws',
  'azure',
  'gcp',
  'ldap',
] as const;
export type LoginMethod = (typeof LOGIN_METHODS)[number];
/** The methods that name the identity by its id. */
export type IdentityLoginMethod = Exclude<LoginMethod, 'universal'>;
/** The methods whose proof is somebody else's signed token. */
export type TokenLoginMethod = Exclude<IdentityLoginMethod, 'aws' | 'ldap'>;

/** Values with commas between them; spaces around a value are ignored. Empty: everything is allowed. */
const list = z.string().default('');

export const kubernetesSettings = z.strictObject({
  /** The address of the API server that reviews tokens, without a path. */
  kubernetesHost: z.url(),
  /** PEM. Without: servers of 2024 verify nothing, the current one asks the system's authorities. */
  caCert: z.string().optional(),
  /** Who asks for the review. Without: the current server asks as the client itself, one of 2024 as nobody. */
  tokenReviewerJwt: z.string().optional(),
  /** Only the current server can be told to verify nothing. */
  verifyTlsCertificate: z.boolean().default(true),
  allowedNamespaces: list,
  allowedNames: list,
  /** One audience, no list. Empty: any. */
  allowedAudience: z.string().default(''),
});
export type KubernetesSettings = z.infer<typeof kubernetesSettings>;

/** What a signed token has to say, for oidc and jwt. */
const bounds = {
  boundSubject: z.string().default(''),
  boundAudiences: list,
  /** Allowed values of further claims, each a list. The current server reads dots in a name as a path. */
  boundClaims: z.record(z.string(), z.string()).default({}),
};

export const oidcSettings = z.strictObject({
  boundIssuer: z.string().min(1),
  /** Where `/.well-known/openid-configuration` lies. @default the issuer */
  oidcDiscoveryUrl: z.url().optional(),
  /** PEM, for the discovery document and the keys. Without, nothing is verified, as in the real server. */
  caCert: z.string().optional(),
  ...bounds,
});
export type OidcSettings = z.infer<typeof oidcSettings>;

export const jwtSettings = z
  .strictObject({
    jwksUrl: z.url().optional(),
    /** PEM. Without, nothing is verified, as in the real server. */
    jwksCaCert: z.string().optional(),
    /** PEM, one key each. */
    publicKeys: z.array(z.string().refine(isPublicKey, 'not a public key in PEM')).min(1).optional(),
    /** Empty: any issuer. */
    boundIssuer: z.string().default(''),
    ...bounds,
  })
  .refine(({ jwksUrl, publicKeys }) => (jwksUrl === undefined) !== (publicKeys === undefined), {
    message: 'exactly one of jwksUrl and publicKeys',
  });
export type JwtSettings = z.infer<typeof jwtSettings>;

export const ldapSettings = z.strictObject({
  /** The directory: its users' passwords and attributes. The real server asks one by LDAP. */
  users: z.record(
    z.string(),
    z.strictObject({ password: z.string(), attributes: z.record(z.string(), z.string()).default({}) }),
  ),
  /** Attributes that a user must have, each with a list of values. Empty: any user may. */
  allowedFields: z.array(z.strictObject({ key: z.string(), value: z.string() })).default([]),
});
export type LdapSettings = z.infer<typeof ldapSettings>;

/** At most 32 characters; a sub-organisation of the current server. */
export const organizationSlug = z
  .string()
  .max(32)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'Must be a valid slug');

function isPublicKey(pem: string): boolean {
  try {
    createPublicKey(pem);
    return true;
  } catch {
    return false;
  }
}
