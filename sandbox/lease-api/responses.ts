/** What every endpoint answers: strict schemas, so that a key too many or too few is seen. */
import { z } from 'zod';
import type { Profile } from './refusal.ts';

const instant = z.iso.datetime({ precision: 3 });

const lease2024 = z.strictObject({
  id: z.uuid(),
  version: z.literal(1),
  externalEntityId: z.string(),
  expireAt: instant,
  status: z.string().nullable(),
  statusDetails: z.string().nullable(),
  dynamicSecretId: z.uuid(),
  createdAt: instant,
  updatedAt: instant,
});
const lease = lease2024.extend({ config: z.unknown() });

const secret2024 = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  version: z.number(),
  type: z.string(),
  defaultTTL: z.string(),
  maxTTL: z.string().nullable(),
  folderId: z.uuid(),
  status: z.string().nullable(),
  statusDetails: z.string().nullable(),
  createdAt: instant,
  updatedAt: instant,
});
const secret = secret2024.extend({
  projectGatewayId: z.uuid().nullable(),
  gatewayId: z.uuid().nullable(),
  gatewayV2Id: z.uuid().nullable(),
  usernameTemplate: z.string().nullable(),
  metadata: z.array(z.strictObject({ key: z.string().min(1), value: z.string() })),
});
/** The routes of dynamic secrets have one key more than the routes of leases. */
const pooledSecret = secret.extend({ gatewayPoolId: z.uuid().nullable() });
const openSecret = pooledSecret.extend({ inputs: z.unknown() });

const login = z.strictObject({
  accessToken: z.string(),
  expiresIn: z.number(),
  accessTokenMaxTTL: z.number(),
  tokenType: z.literal('Bearer'),
});

const status = z.strictObject({
  date: instant,
  message: z.literal('Ok'),
  emailConfigured: z.boolean(),
  inviteOnlySignup: z.boolean(),
  redisConfigured: z.boolean(),
  secretScanningConfigured: z.boolean(),
});

const error2024 = z.strictObject({
  statusCode: z.number(),
  error: z.string(),
  message: z.union([z.string(), z.array(z.unknown())]),
  code: z.string().optional(),
});
const error = error2024
  .omit({ code: true })
  .extend({ reqId: z.string(), details: z.array(z.unknown()).optional() });

function answers(
  leaseSchema: z.ZodType,
  secretSchemas: { inLease: z.ZodType; alone: z.ZodType; open: z.ZodType },
  errorSchema: z.ZodType,
): Answers {
  const leaseOnly = z.strictObject({ lease: leaseSchema });
  const secretOnly = z.strictObject({ dynamicSecret: secretSchemas.alone });
  const opened = z.strictObject({ dynamicSecret: secretSchemas.open });
  return {
    login,
    status,
    error: errorSchema,
    createLease: z.strictObject({
      lease: leaseSchema,
      dynamicSecret: secretSchemas.inLease,
      data: z.unknown(),
    }),
    renewLease: leaseOnly,
    deleteLease: leaseOnly,
    listLeases: z.strictObject({ leases: z.array(leaseSchema) }),
    createSecret: opened,
    getSecret: opened,
    updateSecret: opened,
    deleteSecret: secretOnly,
    listSecrets: z.strictObject({ dynamicSecrets: z.array(secretSchemas.alone) }),
  };
}

const ANSWER_NAMES = [
  'login',
  'status',
  'error',
  'createLease',
  'renewLease',
  'deleteLease',
  'listLeases',
  'createSecret',
  'getSecret',
  'updateSecret',
  'deleteSecret',
  'listSecrets',
] as const;
export type AnswerName = (typeof ANSWER_NAMES)[number] | 'getLease';
type Answers = Record<(typeof ANSWER_NAMES)[number], z.ZodType>;

/** The answers of each profile. The get of a lease carries its dynamic secret inside. */
export const responseSchemas: Record<Profile, Record<AnswerName, z.ZodType>> = {
  current: {
    ...answers(lease, { inLease: secret, alone: pooledSecret, open: openSecret }, error),
    getLease: z.strictObject({ lease: lease.extend({ dynamicSecret: secret }) }),
  },
  '2024': {
    ...answers(
      lease2024,
      { inLease: secret2024, alone: secret2024, open: secret2024.extend({ inputs: z.unknown() }) },
      error2024,
    ),
    getLease: z.strictObject({ lease: lease2024.extend({ dynamicSecret: secret2024 }) }),
  },
};
