import { z } from 'zod';

import { accountRef, exactlyOne, identityId, organizationSlug } from './auth-fields.ts';
import { secretSource } from './object.ts';
import { patternedText } from './rule.ts';

const HOST = '[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?';

/** Whose identity it is when the operator shows its own. */
const OWN =
  "Use the identity that the cloud gives to the operator's own pod. Only a ClusterInfisicalConnection may, unless the operator runs with --cloud-identity all.";

/** A ServiceAccount whose token a cloud takes for one of its own. */
const federatedAccount = (audience: string) => accountRef(`: ${audience}`, 'shown to the cloud');

const awsKeys = z
  .object({
    accessKeyId: secretSource.describe('The id of the access key.'),
    secretAccessKey: secretSource.describe('The access key.'),
    sessionToken: secretSource.optional().describe('The token that goes with a key which is temporary.'),
  })
  .describe('An access key that is kept in a Secret.');

const awsWebIdentity = z
  .object({
    roleArn: patternedText('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$', {
      field: 'roleArn',
      must: 'must be the ARN of a role, such as arn:aws:iam::123456789012:role/leases',
      most: 2048,
    }).describe('The role, whose trust policy takes tokens of this cluster.'),
    serviceAccountRef: federatedAccount('sts.amazonaws.com'),
  })
  .describe('A role that is assumed with the token of a ServiceAccount.');

export const aws = exactlyOne(
  z.object({
    identityId,
    region: patternedText('^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$', {
      field: 'region',
      must: 'must be a region of AWS, such as eu-central-1',
      most: 32,
    }).describe('The region whose STS the request is signed for.'),
    stsEndpoint: patternedText(`^https?://${HOST}/?$`, {
      field: 'stsEndpoint',
      must: 'must be the address of an STS, such as https://sts.eu-central-1.amazonaws.com, without a path',
      most: 2048,
    })
      .optional()
      .describe(
        'The STS that the request is signed for; the same as in the settings of the identity at the server. Without it: that of the region.',
      ),
    accessKey: awsKeys.optional(),
    webIdentity: awsWebIdentity.optional(),
    operatorIdentity: z.object({}).optional().describe(OWN),
    organizationSlug,
  }),
  'aws',
  ['accessKey', 'webIdentity', 'operatorIdentity'],
);

const clientId = patternedText('^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$', {
  field: 'clientId',
  must: 'must be a client id of Entra ID, which is a UUID',
  most: 36,
});

const azureWorkload = z
  .object({
    tenantId: patternedText('^[0-9A-Za-z][0-9A-Za-z.-]*$', {
      field: 'tenantId',
      must: 'must be the id of a tenant of Entra ID: letters, digits, dots and dashes',
      most: 253,
    }).describe('The tenant of the identity.'),
    clientId: clientId.describe(
      'Client id of the identity or the application, whose federated credential names the ServiceAccount.',
    ),
    serviceAccountRef: federatedAccount('api://AzureADTokenExchange'),
    authorityHost: patternedText(`^https://${HOST}/?$`, {
      field: 'authorityHost',
      must: 'must be the address of Entra ID, such as https://login.microsoftonline.com, without a path',
      most: 2048,
    })
      .optional()
      .describe('Where Entra ID is. Without it: https://login.microsoftonline.com.'),
  })
  .describe('An identity or application that takes the token of a ServiceAccount (workload identity).');

export const azure = exactlyOne(
  z.object({
    identityId,
    resource: patternedText('^[!-~]+$', {
      field: 'resource',
      must: 'must be one resource, without spaces',
      most: 1024,
    })
      .optional()
      .describe(
        'Whom the token is for; the same as in the settings of the identity at the server. Without it: https://management.azure.com/, and whoever receives the token can use it there: better one of its own.',
      ),
    workloadIdentity: azureWorkload.optional(),
    operatorIdentity: z
      .object({
        clientId: clientId
          .optional()
          .describe(
            'Which identity, where there are several. Without it: the one that Azure gives by itself.',
          ),
      })
      .optional()
      .describe(OWN),
    organizationSlug,
  }),
  'azure',
  ['workloadIdentity', 'operatorIdentity'],
);

export const gcp = exactlyOne(
  z.object({
    identityId,
    serviceAccountKey: secretSource
      .optional()
      .describe(
        'A key of the service account, in JSON as Google Cloud makes it. It signs a token for the login.',
      ),
    operatorIdentity: z
      .object({
        impersonate: patternedText('^[a-z0-9-]+@[a-z0-9.-]+[.]gserviceaccount[.]com$', {
          field: 'impersonate',
          must: 'must be the email address of a service account, such as leases@project.iam.gserviceaccount.com',
          most: 253,
        })
          .optional()
          .describe(
            'A service account for which the IAM of Google Cloud signs the token (type iam). Without it: an ID token of the identity itself (type gce).',
          ),
      })
      .optional()
      .describe(OWN),
    organizationSlug,
  }),
  'gcp',
  ['serviceAccountKey', 'operatorIdentity'],
);
