import { z } from 'zod';

import { patternedText } from './rule.ts';

/** The metadata of a Kubernetes object, as far as leaseholder reads it. Unknown keys are dropped on reading. */
export const objectMeta = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.number().default(0),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).default([]),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
});

export type ObjectMeta = z.infer<typeof objectMeta>;

/** A domain name in lower case (RFC 1123 subdomain), as a part of a pattern. */
export const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*';

/** The name of a Kubernetes object. */
export const objectName = patternedText(`^${SUBDOMAIN}$`, {
  field: 'name',
  must: "must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
  most: 253,
});

/** One key of a Secret in the same namespace. A credential is only ever named, never written into a spec. */
export const secretKeyRef = z.object({
  name: objectName.describe(
    "Name of the Secret, in the same namespace; of a cluster connection: in the operator's own.",
  ),
  key: patternedText('^[-._a-zA-Z0-9]+$', {
    field: 'key',
    must: "must be a key that a Secret can have: letters, digits, '-', '_' and '.'",
    most: 253,
  }).describe('Key within the Secret.'),
});

export const secretSource = z.object({
  secretKeyRef: secretKeyRef.describe('The key that holds the value.'),
});

export type SecretSource = z.infer<typeof secretSource>;

/** A key of an object by name. */
export type KeyRef = SecretSource['secretKeyRef'];
