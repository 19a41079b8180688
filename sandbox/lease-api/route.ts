import type { Identity } from './identities.ts';
import type { LeaseTag } from './ledger.ts';

/** The name of every endpoint, for faults, counts and rate limits. */
export const ROUTE_NAMES = [
  /** With a client id and a client secret. */
  'login',
  'login-kubernetes',
  'login-oidc',
  'login-jwt',
  'login-aws',
  'login-azure',
  'login-gcp',
  'login-ldap',
  'token-renew',
  'token-revoke',
  'status',
  'lease-create',
  'lease-create-kubernetes',
  'lease-get',
  'lease-list',
  'lease-renew',
  'lease-delete',
  'dynamic-secret-create',
  'dynamic-secret-get',
  'dynamic-secret-list',
  'dynamic-secret-update',
  'dynamic-secret-delete',
] as const;
export type RouteName = (typeof ROUTE_NAMES)[number];
export const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

/** One request on its way through a route. */
export interface Call {
  readonly params: unknown;
  readonly query: unknown;
  /** Without `config` where a fault drops it. */
  readonly body: unknown;
  /** The tag that the request carried, even where `config` was dropped. */
  readonly tag: LeaseTag | null;
  /** How far in the past a read looks, in milliseconds of the server's clock. */
  readonly lagMs: number;
}

export interface AuthenticatedCall extends Call {
  readonly identity: Identity;
}

interface RouteShape {
  readonly name: RouteName;
  readonly method: Method;
  readonly url: string;
  /** The class of its rate limit. */
  readonly rate: 'read' | 'write';
}

/** An endpoint: where it is, whether it needs a token, and what it answers with status 200. */
export type Route =
  | (RouteShape & { readonly access: 'open'; handle(call: Call): unknown })
  | (RouteShape & { readonly access: 'token'; handle(call: AuthenticatedCall): unknown });
