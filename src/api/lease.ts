import { z } from 'zod';

/** What is leased: the create-lease request's names, as `spec.dynamicSecret` has them (path normalised). */
export interface Target {
  readonly projectSlug: string;
  readonly environmentSlug: string;
  readonly path: string;
  /** The dynamic secret's name. */
  readonly dynamicSecret: string;
}

/** Says in the lease itself whose it is: `config.leaseholder` of every request (docs/lease-api.md). */
export const leaseTag = z.object({
  /** Which installation of leaseholder asked. */
  install: z.string(),
  /** The uid of the object that it was asked for. */
  object: z.string(),
  /** The request's own UUID. */
  attempt: z.string(),
  /** Of which shard the object was then; absent where it was of none. */
  shard: z.string().optional(),
});

export type LeaseTag = z.infer<typeof leaseTag>;

/** The kinds of connection: of a namespace, and of the cluster. */
export const connectionKinds = ['InfisicalConnection', 'ClusterInfisicalConnection'] as const;

export type ConnectionKind = (typeof connectionKinds)[number];

/** Which connection, and which server, a lease was asked of. */
export const connectionIdentity = z.object({
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  host: z.string().describe('The server, without /api.'),
});

export type ConnectionIdentity = z.infer<typeof connectionIdentity>;

/** Everything that revoking a lease needs, whatever the spec says by then. */
export const leaseRef = z.object({
  id: z.string(),
  expireAt: z.string().meta({ format: 'date-time' }),
  attempt: z.string().describe('The UUID of the request that made it.'),
  connection: connectionIdentity,
  projectSlug: z.string(),
  environmentSlug: z.string(),
  path: z.string(),
  dynamicSecret: z.string(),
  dynamicSecretId: z
    .string()
    .optional()
    .describe(
      "The server's id of the dynamic secret, where a DynamicSecret declares it: a rename changes the name, and not the id.",
    ),
});

export type LeaseRef = z.infer<typeof leaseRef>;

/** A lease as the server tells it, without its credentials. */
export interface Lease {
  readonly id: string;
  readonly version: number;
  readonly externalEntityId: string;
  /** RFC 3339, by the server's clock. */
  readonly expireAt: string;
  /** Null while all is well; `Failed to delete` after a revocation that failed; anything else is opaque. */
  readonly status: string | null;
  readonly statusDetails: string | null;
  readonly dynamicSecretId: string;
  /** What the request passed through, without our tag. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  /** Our tag, where the server keeps `config` and the lease carries one. */
  readonly tag: LeaseTag | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A dynamic secret as the server tells it beside a lease. */
export interface DynamicSecret {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly version: number;
  readonly defaultTTL: string;
  readonly maxTTL: string | null;
  readonly status: string | null;
  readonly statusDetails: string | null;
}

/** A dynamic secret as the list of its folder shows it. What a server of its age does not show is undefined. */
export interface ListedDynamicSecret extends DynamicSecret {
  readonly usernameTemplate: string | null | undefined;
  readonly metadata: readonly { readonly key: string; readonly value: string }[] | undefined;
}

/** The answer to a request for a lease: the only time that credentials are shown. */
export interface IssuedLease {
  readonly lease: Lease;
  readonly dynamicSecret: DynamicSecret;
  readonly data: Readonly<Record<string, unknown>>;
}
