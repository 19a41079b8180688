import { z } from 'zod';

import { keyed } from '../api/keyed.ts';

/*
 * The fields of Infisical's own operator (secrets.infisical.com/v1alpha1, kind InfisicalDynamicSecret) as far as they say something.
 * They are read strictly: a field that is not known here is told, never dropped in silence.
 */

const secretReference = z.strictObject({ secretName: z.string(), secretNamespace: z.string() });

const authentication = z.strictObject({
  universalAuth: z.strictObject({ credentialsRef: secretReference }).optional(),
  kubernetesAuth: z
    .strictObject({
      identityId: z.string(),
      serviceAccountRef: z.strictObject({ name: z.string(), namespace: z.string() }),
      autoCreateServiceAccountToken: z.boolean().optional(),
      serviceAccountTokenAudiences: z.array(z.string()).optional(),
    })
    .optional(),
  awsIamAuth: z.strictObject({ identityId: z.string() }).optional(),
  azureAuth: z.strictObject({ identityId: z.string(), resource: z.string().optional() }).optional(),
  gcpIdTokenAuth: z.strictObject({ identityId: z.string() }).optional(),
  gcpIamAuth: z.strictObject({ identityId: z.string(), serviceAccountKeyFilePath: z.string() }).optional(),
  ldapAuth: z.strictObject({ identityId: z.string(), credentialsRef: secretReference }).optional(),
});

export type SourceAuthentication = z.infer<typeof authentication>;

const template = z.strictObject({
  includeAllSecrets: z.boolean().optional(),
  data: keyed(z.string()).optional(),
  metadata: z
    .strictObject({ labels: keyed(z.string()).optional(), annotations: keyed(z.string()).optional() })
    .optional(),
});

export const sourceSpec = z.strictObject({
  hostAPI: z.string().optional(),
  authentication,
  dynamicSecret: z.strictObject({
    secretName: z.string(),
    secretsPath: z.string(),
    environmentSlug: z.string(),
    projectId: z.string().optional(),
    projectSlug: z.string().optional(),
  }),
  leaseRevocationPolicy: z.string().optional(),
  leaseTTL: z.string().optional(),
  managedSecretReference: z.strictObject({
    secretName: z.string(),
    secretNamespace: z.string(),
    secretType: z.string().optional(),
    creationPolicy: z.string().optional(),
    template: template.optional(),
  }),
  tls: z
    .strictObject({
      caRef: z
        .strictObject({ secretName: z.string(), secretNamespace: z.string(), key: z.string() })
        .optional(),
    })
    .optional(),
});

export type SourceSpec = z.infer<typeof sourceSpec>;

/** An object of the kind that is migrated; what is about the cluster it came from does not matter. */
export const sourceObject = z.object({
  apiVersion: z.literal('secrets.infisical.com/v1alpha1'),
  kind: z.literal('InfisicalDynamicSecret'),
  metadata: z.object({ name: z.string(), namespace: z.string().default('default') }),
  spec: z.unknown(),
});

export type SourceObject = z.infer<typeof sourceObject>;
