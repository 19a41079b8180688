import { z } from 'zod';

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

/** The name of a Kubernetes object (RFC 1123 subdomain). */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);

/** One key of a Secret in the same namespace. A credential is only ever named, never written into a spec. */
export const secretKeyRef = z.object({
  name: objectName.describe('Name of the Secret, in the same namespace.'),
  key: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/)
    .describe('Key within the Secret.'),
});

export const secretSource = z.object({
  secretKeyRef: secretKeyRef.describe('The key that holds the value.'),
});

export type SecretSource = z.infer<typeof secretSource>;
