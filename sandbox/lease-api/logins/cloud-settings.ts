/** How an identity may log in from a cloud: what an administrator sets at the server, and where the sandbox's clouds are. */
import { z } from 'zod';

/** Values with commas between them; spaces around a value are ignored. Empty: everything is allowed. */
const list = z.string().default('');

export const awsSettings = z.strictObject({
  /** Where the signed request is sent. */
  stsEndpoint: z.url(),
  /** ARNs, as AWS tells them of callers; the current server reads them as patterns. */
  allowedPrincipalArns: list,
  allowedAccountIds: list,
});
export type AwsSettings = z.infer<typeof awsSettings>;

export const azureSettings = z.strictObject({
  tenantId: z.string().min(1),
  /** The audience of tokens. */
  resource: z.string().default('https://management.azure.com/'),
  /** Object ids of service principals. */
  allowedServicePrincipalIds: list,
  /** Where the keys of the tenant's tokens are; real servers ask Microsoft. */
  jwksUrl: z.url(),
});
export type AzureSettings = z.infer<typeof azureSettings>;

export const gcpSettings = z.strictObject({
  /** An ID token of a machine, or what a service account has signed for itself. */
  type: z.enum(['gce', 'iam']),
  allowedServiceAccounts: list,
  /** Only of `gce`. */
  allowedProjects: list,
  /** Only of `gce`. */
  allowedZones: list,
  /** Where the keys are; of `iam` with the account's address behind it. Real servers ask Google. */
  keysUrl: z.url(),
});
export type GcpSettings = z.infer<typeof gcpSettings>;
