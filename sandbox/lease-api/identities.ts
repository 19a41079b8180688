import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { awsSettings, azureSettings, gcpSettings } from './logins/cloud-settings.ts';
import {
  jwtSettings,
  kubernetesSettings,
  ldapSettings,
  oidcSettings,
  organizationSlug,
} from './logins/settings.ts';
import type { Profile } from './refusal.ts';
import type { Place } from './wording.ts';

/**
 * What an identity may do to dynamic secrets. The first five are those of the current server; servers of 2024 look at
 * the permissions on `secrets` instead.
 */
export const ACTIONS = [
  'lease',
  'create-root-credential',
  'read-root-credential',
  'edit-root-credential',
  'delete-root-credential',
  'secrets-read',
  'secrets-create',
  'secrets-edit',
  'secrets-delete',
] as const;
export type Action = (typeof ACTIONS)[number];

/** Actions in one place; `*` stands for every environment or path. Any grant makes its holder a project member. */
export const grant = z.strictObject({
  projectSlug: z.string(),
  environmentSlug: z.string().default('*'),
  path: z.string().default('*'),
  actions: z.array(z.enum(ACTIONS)).default([...ACTIONS]),
});
export type Grant = z.infer<typeof grant>;

/** Thirty days, the server's default for both limits. */
const DEFAULT_TOKEN_SECONDS = 2_592_000;

export const identitySeed = z.strictObject({
  name: z.string().default('identity'),
  clientId: z.string().optional(),
  clientSecret: z.string().optional(),
  /** Seconds; 0 means without end. */
  accessTokenTTL: z.number().int().min(0).default(DEFAULT_TOKEN_SECONDS),
  accessTokenMaxTTL: z.number().int().min(0).default(DEFAULT_TOKEN_SECONDS),
  /** Calls that one token is good for; 0 means any number. */
  accessTokenNumUsesLimit: z.number().int().min(0).default(0),
  /** The sub-organisation that a login has to name. @default none is asked for, and any is accepted */
  organizationSlug: organizationSlug.optional(),
  /** Without its settings a method is not configured, and a login by it refused. */
  kubernetes: kubernetesSettings.optional(),
  oidc: oidcSettings.optional(),
  jwt: jwtSettings.optional(),
  aws: awsSettings.optional(),
  azure: azureSettings.optional(),
  gcp: gcpSettings.optional(),
  ldap: ldapSettings.optional(),
  grants: z.array(grant).default([]),
});
export type IdentitySeed = z.infer<typeof identitySeed>;

export interface Identity extends Omit<IdentitySeed, 'clientId' | 'clientSecret' | 'grants'> {
  readonly id: string;
  readonly clientId: string;
  readonly clientSecret: string;
  grants: readonly Grant[];
}

/** The machine identities. */
export class Identities {
  readonly #byId = new Map<string, Identity>();
  readonly #byClientId = new Map<string, Identity>();

  add(seed: IdentitySeed): Identity {
    const { clientId = randomUUID(), clientSecret = randomBytes(32).toString('hex') } = seed;
    const identity: Identity = { ...seed, id: randomUUID(), clientId, clientSecret };
    this.#byId.set(identity.id, identity);
    this.#byClientId.set(identity.clientId, identity);
    return identity;
  }

  get(id: string): Identity | undefined {
    return this.#byId.get(id);
  }

  ofClient(clientId: string): Identity | undefined {
    return this.#byClientId.get(clientId);
  }
}

/** Whether the identity holds the action in that place. */
export function allows(identity: Identity, place: Place, action: Action): boolean {
  return identity.grants.some(
    ({ projectSlug, environmentSlug, path, actions }) =>
      projectSlug === place.projectSlug &&
      ['*', place.environmentSlug].includes(environmentSlug) &&
      ['*', place.path].includes(path) &&
      actions.includes(action),
  );
}

export function isMember(identity: Identity, projectSlug: string): boolean {
  return identity.grants.some((held) => held.projectSlug === projectSlug);
}

/** How the server words an action in its refusals. */
export function worded(action: Action, profile: Profile): { action: string; subject: string } {
  if (profile === 'current') return { action, subject: 'dynamic-secrets' };
  return { action: action.replace('secrets-', ''), subject: 'secrets' };
}
