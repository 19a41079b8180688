import { z } from 'zod';

import { condition, conditions } from './condition.ts';
import { connectionRef } from './connection-ref.ts';
import { duration, shareOrDuration } from './duration.ts';
import { keyed } from './keyed.ts';
import { leaseRef } from './lease.ts';
import { TAG_KEY } from './names.ts';
import { objectMeta, objectName } from './object.ts';
import { observedDynamicSecret } from './observed-dynamic-secret.ts';
import { isTaken, notOdd } from './passed-through.ts';
import { annotationMap, labelMap } from './secret-metadata.ts';
import { restartStatus, restartTargets } from './restart.ts';
import { secretShape, secretShapeRules, shapeBreaches } from './secret-shape.ts';
import type { CelRule } from './rule.ts';
import { dynamicSecretName, folderPath, slug } from './target.ts';

const dynamicSecretTarget = z.object({
  name: dynamicSecretName('dynamicSecret.name').describe('Name of the dynamic secret.'),
  projectSlug: slug('projectSlug', 'project'),
  environmentSlug: slug('environmentSlug', 'environment'),
  path: folderPath('path')
    .default('/')
    .describe('Folder of the dynamic secret: / or /folder/folder, without a slash at the end.'),
});

const notTheTag = `must not have the key ${TAG_KEY}, which is the operator's own`;

/**
 * `config` is passed through as it is, so its schema names only the one key that nobody else may use. (The
 * API server takes that key away where its value is null.)
 */
const passedThrough = keyed(z.unknown())
  .refine((config) => !Object.hasOwn(config, TAG_KEY), { error: notTheTag })
  .refine(isTaken, { error: notOdd })
  .meta({
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: { [TAG_KEY]: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    'x-kubernetes-validations': [{ rule: `!has(self.${TAG_KEY})`, message: `config ${notTheTag}` }],
  });

const oneTarget = 'must have exactly one of dynamicSecret and dynamicSecretRef';
const needsConnection =
  'must be given beside dynamicSecret: only what dynamicSecretRef names says itself which connection it uses';

/** What a lease is of is said in one way, and never without a way to the server. */
const targetCelRules: readonly CelRule[] = [
  {
    rule: '[has(self.dynamicSecret), has(self.dynamicSecretRef)].filter(target, target).size() == 1',
    message: `spec ${oneTarget}`,
  },
  {
    rule: '!has(self.dynamicSecret) || has(self.connectionRef)',
    message: `connectionRef ${needsConnection}`,
    fieldPath: '.connectionRef',
  },
];

const fields = z.object({
  connectionRef: connectionRef
    .optional()
    .describe(
      'The server to lease from, and the identity to lease as. Beside dynamicSecretRef it may be left out: then it is the connection of that DynamicSecret.',
    ),
  dynamicSecret: dynamicSecretTarget
    .optional()
    .describe(
      'What is leased: a dynamic secret that is on the server already. A change asks for a new lease at once. Either this or dynamicSecretRef.',
    ),
  dynamicSecretRef: z
    .object({ name: objectName.describe('Name of the DynamicSecret.') })
    .optional()
    .describe(
      'What is leased: the dynamic secret of a DynamicSecret of this namespace, as soon as that is Ready. Either this or dynamicSecret.',
    ),
  ttl: duration('ttl', '1m', '10y')
    .optional()
    .describe(
      "How long a lease lives. Without it, the dynamic secret's own default. Acts at the next rotation.",
    ),
  config: passedThrough
    .optional()
    .describe(
      'Passed to the server with each request for a lease, for types that take one. Acts at the next rotation.',
    ),
  rotation: z
    .object({
      strategy: z
        .enum(['ReLease', 'Renew'])
        .optional()
        .describe(
          'ReLease (default): a new lease takes the place of the old one. Renew: the lease is lengthened, and its credentials stay, for as long as the maximum TTL of the dynamic secret allows and its type really lengthens credentials; then a new lease. Acts at the next rotation.',
        ),
      before: shareOrDuration('rotation.before')
        .optional()
        .describe(
          "How long before its end a lease is replaced: a share of its life (1% to 90%) or a duration. Default 33%, and at least 150s where the lease's life allows it. Acts at the next rotation.",
        ),
    })
    .optional()
    .describe('When a lease is replaced.'),
  revocation: z
    .object({
      onDelete: z
        .enum(['Revoke', 'Expire'])
        .optional()
        .describe(
          'What becomes of the leases when this object is deleted. Revoke (default) or Expire: left to run out.',
        ),
      onRotation: z
        .enum(['Expire', 'Revoke'])
        .optional()
        .describe(
          'What becomes of a lease that was replaced. Expire (default): left to run out. Revoke: revoked when gracePeriod is over. Acts at the next rotation.',
        ),
      gracePeriod: duration('revocation.gracePeriod', '1s', '1y')
        .optional()
        .describe(
          'How long a replaced lease lives on before it is revoked, so that pods can take up its successor: at least 2 minutes, whatever is said here. Default 5m. Acts at the next rotation.',
        ),
      timeout: duration('revocation.timeout', '1s', '1y')
        .optional()
        .describe('How long a deletion waits for a confirmed revocation. Default 10m.'),
    })
    .optional()
    .describe('How leases end.'),
  secret: z
    .object({
      name: objectName
        .optional()
        .describe(
          "Name of the Secret. Default: this object's own name. A change asks for a new lease at once, into the Secret of the new name; the old one goes when its lease has ended.",
        ),
      labels: labelMap.optional().describe('Labels of the Secret. Patched when changed.'),
      annotations: annotationMap.optional().describe('Annotations of the Secret. Patched when changed.'),
      adoption: z
        .enum(['Refuse', 'Adopt'])
        .optional()
        .describe(
          'What becomes of a Secret of that name that was not made for this object. Refuse (default): it is left alone. Adopt: it is taken over if its annotation leaseholder.dev/adopt-by is the name of this object; what it holds is replaced.',
        ),
      deletionPolicy: z
        .enum(['Delete', 'Retain'])
        .optional()
        .describe(
          'What becomes of the Secret when this object is deleted or names another. Delete (default), or Retain: it stays, as if it had never been of this object; its credentials end with their lease.',
        ),
      propagation: z
        .enum(['Kubelet', 'Nudge'])
        .optional()
        .describe(
          'How pods that mount the Secret as files come to new credentials. Kubelet (default): when their kubelet looks again, within about 90 seconds. Nudge: these pods are annotated when the Secret has changed, which makes their kubelet look at once; only where the operator was started with --nudge-pods on. It helps neither environment variables nor files mounted by subPath. A change acts with the next credentials.',
        ),
      ...secretShape,
    })
    .superRefine((shape, context) => {
      for (const { field, must } of shapeBreaches(shape)) {
        context.addIssue({ code: 'custom', path: [field], message: must });
      }
    })
    .meta({ 'x-kubernetes-validations': secretShapeRules })
    .optional()
    .describe('The Secret that receives the credentials, in the namespace of this object.'),
  restart: restartTargets
    .optional()
    .describe(
      'Workloads of this namespace that are restarted when the credentials in the Secret change, not when the first come. Those of leases that change within 30 seconds are restarted once. A change acts at the next rotation.',
    ),
  suspend: z
    .boolean()
    .optional()
    .describe(
      'While true nothing is leased, renewed or revoked; the credentials may reach their end, and the status says so. A deletion goes on.',
    ),
});

export const leaseSpec = fields
  .superRefine(({ connectionRef: connection, dynamicSecret, dynamicSecretRef }, context) => {
    if ((dynamicSecret === undefined) === (dynamicSecretRef === undefined)) {
      context.addIssue({ code: 'custom', message: oneTarget });
    }
    if (dynamicSecret !== undefined && connection === undefined) {
      context.addIssue({ code: 'custom', path: ['connectionRef'], message: needsConnection });
    }
  })
  .meta({ 'x-kubernetes-validations': targetCelRules });

/** A spec as it was applied: it names what it leases, or the DynamicSecret that does. */
export type DeclaredLeaseSpec = z.infer<typeof leaseSpec>;

/** A spec whose dynamic secret and connection are known. */
export type LeaseSpec = Omit<DeclaredLeaseSpec, 'connectionRef' | 'dynamicSecret'> & {
  readonly connectionRef: z.infer<typeof connectionRef>;
  readonly dynamicSecret: z.infer<typeof dynamicSecretTarget>;
};

const dateTime = z.string().meta({ format: 'date-time' });

/** The lease that the Secret holds: its Ref, and what the server said of it last. */
const currentLease = leaseRef.extend({
  attested: z
    .literal(false)
    .optional()
    .describe(
      "False where only the Secret's record says that the lease is this object's, as after a restart with a server that keeps no tags: it is used, never revoked, and left to end.",
    ),
  version: z.int().optional(),
  externalEntityId: z
    .string()
    .optional()
    .describe('The name of the principal at the provider, for example a database role.'),
  status: z.string().optional().describe("The server's own status of the lease; absent while all is well."),
  statusDetails: z.string().optional(),
  config: keyed(z.unknown())
    .meta({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
    .optional()
    .describe("The lease's config, as the server keeps it."),
  createdAt: dateTime.optional(),
  updatedAt: dateTime.optional(),
  renewedAt: dateTime
    .optional()
    .describe(
      "When the lease was last lengthened. Since then its expireAt is the server's word: whether the credentials live as long is the provider's.",
    ),
  renewals: z.int().optional().describe('How often it was lengthened.'),
});

const observedSecret = z.object({
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string().describe("That of the operator's last write."),
});

const retiringLease = leaseRef.extend({
  revokeAfter: dateTime.optional().describe('When it is to be revoked; absent: left to run out.'),
  attempts: z.int().optional().describe('Revocations tried without success.'),
  reason: z.string().optional().describe('Why the last of them failed.'),
});

export const leaseStatus = z.object({
  observedGeneration: z.int().optional().describe('The generation that the rest of the status speaks of.'),
  conditions: conditions.optional(),
  lease: currentLease.optional().describe('The lease that the Secret holds.'),
  dynamicSecret: observedDynamicSecret
    .optional()
    .describe('The dynamic secret, as the server showed it last.'),
  secret: observedSecret.optional(),
  rotateAt: dateTime.optional().describe('When the lease is to be replaced.'),
  rotations: z.int().optional().describe('How many leases have been replaced.'),
  retiring: z
    .array(retiringLease)
    .max(16)
    .optional()
    .describe('Leases that were replaced and have not ended yet.'),
  unaccounted: z
    .object({
      count: z.int().describe('How many; at most 2.'),
      lastAt: dateTime.describe('When the last of them was sent.'),
      until: dateTime.describe('When the last of the leases that they may have made has ended.'),
    })
    .optional()
    .describe(
      'Requests for a lease whose fate is not known and cannot be found out, because the server keeps no tags: each may have made a lease that is left to end.',
    ),
  restart: restartStatus.optional().describe('How the restarts for the lease in use stand.'),
  attempts: z
    .object({
      count: z.int(),
      reason: z.string(),
      nextAt: dateTime.describe('Not tried again before.'),
    })
    .optional()
    .describe('Tries that failed one after another.'),
});

export type LeaseStatus = z.infer<typeof leaseStatus>;
export type CurrentLease = z.infer<typeof currentLease>;
export type RetiringLease = z.infer<typeof retiringLease>;
export type Unaccounted = NonNullable<LeaseStatus['unaccounted']>;
export type Attempts = NonNullable<LeaseStatus['attempts']>;
export { condition };

/** A `DynamicSecretLease` as the operator reads it. Spec and status are parsed apart, so that one bad field names itself. */
export const leaseObject = z.object({
  metadata: objectMeta,
  spec: leaseSpec,
  status: leaseStatus.optional(),
});

export type LeaseObject = z.infer<typeof leaseObject>;
