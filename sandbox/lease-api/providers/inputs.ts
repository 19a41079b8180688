import { z } from 'zod';

/** The inputs of `sql-database`. The sandbox has PostgreSQL only; the other clients are refused when it connects. */
export const sqlInputs = {
  client: z.enum(['postgres', 'mysql2', 'oracledb', 'mssql']),
  host: z.string().trim().toLowerCase(),
  port: z.number(),
  database: z.string().trim(),
  username: z.string().trim(),
  password: z.string().trim(),
  creationStatement: z.string().trim(),
  revocationStatement: z.string().trim(),
  renewStatement: z.string().trim().optional(),
  ca: z.string().optional(),
  sslEnabled: z.boolean().optional(),
  gatewayId: z.string().nullable().optional(),
  passwordRequirements: z.unknown().optional(),
};

/** Types without a system behind them here: any inputs are taken, and leases are names. */
export const OTHER_TYPES = [
  'aws-elasticache',
  'aws-iam',
  'azure-entra-id',
  'azure-sql-database',
  'cassandra',
  'clickhouse',
  'couchbase',
  'elastic-search',
  'gcp-iam',
  'github',
  'kubernetes',
  'ldap',
  'milvus',
  'mongo-db',
  'mongo-db-atlas',
  'oauth',
  'rabbit-mq',
  'redis',
  'sap-ase',
  'sap-hana',
  'snowflake',
  'ssh',
  'totp',
  'vertica',
] as const;

/** The sandbox's own provider, which no real server has. */
export const inMemoryInputs = {};

export const sqlInputSchema = z.object(sqlInputs);
export type SqlInputs = z.infer<typeof sqlInputSchema>;
