import { printed } from './clock.ts';
import type { Identity } from './identities.ts';
import type { LeaseRow } from './lease-store.ts';
import type { Profile } from './refusal.ts';
import type { SecretRow } from './secret-store.ts';

type Shown = Record<string, unknown>;

/** A lease as answers show it. Servers of 2024 know no `config`. */
export function leaseView(row: LeaseRow, profile: Profile): Shown {
  return {
    id: row.id,
    version: 1,
    externalEntityId: row.externalEntityId,
    expireAt: printed(row.expireAt),
    status: row.status,
    statusDetails: row.statusDetails,
    dynamicSecretId: row.dynamicSecretId,
    createdAt: printed(row.createdAt),
    updatedAt: printed(row.updatedAt),
    ...(profile === 'current' && { config: row.config ?? null }),
  };
}

/** A dynamic secret inside the answers of the lease routes. */
export function secretInLease(row: SecretRow, profile: Profile): Shown {
  return {
    id: row.id,
    name: row.name,
    version: 1,
    type: row.type,
    defaultTTL: row.defaultTTL,
    maxTTL: row.maxTTL,
    folderId: row.folder.id,
    status: row.status,
    statusDetails: row.statusDetails,
    createdAt: printed(row.createdAt),
    updatedAt: printed(row.updatedAt),
    ...(profile === 'current' && {
      projectGatewayId: null,
      gatewayId: null,
      gatewayV2Id: null,
      usernameTemplate: row.usernameTemplate,
      metadata: row.metadata,
    }),
  };
}

/** A dynamic secret in the answers of its own routes. */
export function secretView(row: SecretRow, profile: Profile): Shown {
  return { ...secretInLease(row, profile), ...(profile === 'current' && { gatewayPoolId: null }) };
}

/** The same with its inputs, root credentials in plain text included, as the server answers to its administrators. */
export function openSecretView(row: SecretRow, profile: Profile): Shown {
  return { ...secretView(row, profile), inputs: row.inputs };
}

/** The configured lifetimes are repeated as they are: 0 means without end, and the token may live shorter. */
export function loginView(accessToken: string, identity: Identity): Record<string, unknown> {
  return {
    accessToken,
    expiresIn: identity.accessTokenTTL,
    accessTokenMaxTTL: identity.accessTokenMaxTTL,
    tokenType: 'Bearer',
  };
}
