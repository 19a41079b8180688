import type { LeaseTag, Target } from '../../../src/api/lease.ts';

/** What tests lease, and what servers of either generation say of it. */

export const TARGET: Target = {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/apps/orders',
  dynamicSecret: 'orders-postgres',
};

export const TAG: LeaseTag = {
  install: '5f0c0f6e-0000-4000-8000-000000000001',
  object: '5f0c0f6e-0000-4000-8000-000000000002',
  attempt: '5f0c0f6e-0000-4000-8000-000000000003',
};

export const LEASE_ID = 'aaaaaaaa-0000-4000-8000-000000000001';

type Fields = Readonly<Record<string, unknown>>;

/** A lease as a server of 2024 shows it. */
export function lease2024(overrides: Fields = {}): Fields {
  return {
    id: LEASE_ID,
    version: 1,
    externalEntityId: 'role-a',
    expireAt: '2026-01-01T01:00:00.000Z',
    status: null,
    statusDetails: null,
    dynamicSecretId: 'bbbbbbbb-0000-4000-8000-000000000001',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...overrides,
  };
}

/** A lease as a newer server shows it: with its config. */
export function lease(config: unknown = { leaseholder: TAG }, overrides: Fields = {}): Fields {
  return { ...lease2024(overrides), config };
}

/** A dynamic secret as a server of 2024 shows it beside a lease. */
export function dynamicSecret(overrides: Fields = {}): Fields {
  return {
    id: 'bbbbbbbb-0000-4000-8000-000000000001',
    name: 'orders-postgres',
    type: 'sql-database',
    version: 1,
    defaultTTL: '1h',
    maxTTL: '24h',
    folderId: 'cccccccc-0000-4000-8000-000000000001',
    status: null,
    statusDetails: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...overrides,
  };
}

export const DATA: Fields = { DB_USERNAME: 'role-a', DB_PASSWORD: 'p' };

/** The answer to a create. */
export function issued(shown: Fields = lease(), overrides: Fields = {}): Fields {
  return { lease: shown, dynamicSecret: dynamicSecret(), data: DATA, ...overrides };
}

/** A refusal as a newer server words it. */
export function refusal(statusCode: number, error: string, message: unknown = 'words'): Fields {
  return { reqId: 'req-1', statusCode, error, message };
}

/** A refusal as a server of 2024 words it: without a request id. */
export function refusal2024(statusCode: number, error: string, message: unknown = 'words'): Fields {
  return { statusCode, error, message };
}

export function login(accessToken: string, expiresIn = 3600): Fields {
  return { accessToken, expiresIn, accessTokenMaxTTL: 2_592_000, tokenType: 'Bearer' };
}

/** A JWT with these claims and a signature that nobody checks. */
export function jwt(claims: Fields): string {
  return `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}.signature`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
