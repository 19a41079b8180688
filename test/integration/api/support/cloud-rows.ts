import type { JsonObject } from '../../../../src/api/crd.ts';
import { NAME, credentialRows, organizationRows } from './reference-rows.ts';
import { acceptances, refusals, without, type RefusedRow } from './rows.ts';

const IDENTITY = '0b2b6a3e-9d6e-4f6e-8a3c-6d6f2f0e7a11';
const ref = (key: string): JsonObject => ({ secretKeyRef: { name: 'login', key } });
const by = (auth: JsonObject): JsonObject => ({ hostAPI: 'https://eu.infisical.com', auth });

const robot = { name: 'robot' };
const webIdentity = { roleArn: 'arn:aws:iam::123456789012:role/leases', serviceAccountRef: robot };
const accessKey = { accessKeyId: ref('id'), secretAccessKey: ref('key') };
const aws = { identityId: IDENTITY, region: 'eu-central-1', webIdentity };
const workloadIdentity = { tenantId: IDENTITY, clientId: IDENTITY, serviceAccountRef: robot };
const azure = { identityId: IDENTITY, workloadIdentity };
const gcp = { identityId: IDENTITY, operatorIdentity: {} };

const ofAws = (part: JsonObject): JsonObject => by({ aws: { ...aws, ...part } });
const ofRole = (part: JsonObject): JsonObject => ofAws({ webIdentity: { ...webIdentity, ...part } });
const ofAzure = (part: JsonObject): JsonObject => by({ azure: { ...azure, ...part } });
const ofWorkload = (part: JsonObject): JsonObject =>
  ofAzure({ workloadIdentity: { ...workloadIdentity, ...part } });
const impersonating = (impersonate: unknown): JsonObject =>
  by({ gcp: { identityId: IDENTITY, operatorIdentity: { impersonate } } });

const withKey = (key: JsonObject): JsonObject =>
  by({ aws: { ...without(aws, 'webIdentity'), accessKey: key } });
const ofManaged = (clientId: unknown): JsonObject =>
  by({ azure: { identityId: IDENTITY, operatorIdentity: { clientId } } });

type Part = (part: JsonObject) => JsonObject;

/** The rows of a text that is too long. */
function tooLong(field: string, most: number, of: Part): Record<string, RefusedRow> {
  const name = field.split('.').at(-1) ?? '';
  return refusals(field, 'Too long', ['a'.repeat(most + 1)], (value) => of({ [name]: value }));
}

/** The same of one that must be there. */
function demanded(field: string, most: number, of: Part): Record<string, RefusedRow> {
  const name = field.split('.').at(-1) ?? '';
  return {
    ...refusals(field, 'Required value', [undefined], () => of({ [name]: undefined })),
    ...tooLong(field, most, of),
  };
}

/** The rows of a ServiceAccount whose token a cloud takes. */
function accountRows(field: string, of: Part): Record<string, RefusedRow> {
  const named: Part = (part) => of({ serviceAccountRef: { ...robot, ...part } });
  const says = 'audience must be one audience, without spaces';
  return {
    ...demanded(`${field}.name`, 253, named),
    ...refusals(`${field}.name`, NAME, ['', 'Robot', 'other/robot'], (name) => named({ name })),
    ...refusals(`${field}.audience`, says, ['', 'a b', 'é'], (audience) => named({ audience })),
    ...tooLong(`${field}.audience`, 1024, named),
  };
}

/** Connections that log in from a cloud. */
export const acceptedFromClouds: Readonly<Record<string, JsonObject>> = {
  'a role of AWS': by({ aws }),
  'a role of AWS at another STS': ofAws({
    stsEndpoint: 'https://vpce-1.sts.eu-central-1.vpce.amazonaws.com',
  }),
  'a temporary access key': by({
    aws: { ...without(aws, 'webIdentity'), accessKey: { ...accessKey, sessionToken: ref('session') } },
  }),
  "the operator's own identity at AWS": by({
    aws: { ...without(aws, 'webIdentity'), operatorIdentity: {}, organizationSlug: 'acme' },
  }),
  'a workload identity of Azure': ofAzure({ resource: 'api://infisical' }),
  'a workload identity of another Azure': ofWorkload({ authorityHost: 'https://login.microsoftonline.us/' }),
  "the operator's own identity at Azure": by({
    azure: { identityId: IDENTITY, operatorIdentity: { clientId: IDENTITY } },
  }),
  'a key of a service account': by({ gcp: { identityId: IDENTITY, serviceAccountKey: ref('key.json') } }),
  "the operator's own identity at Google Cloud": by({ gcp }),
  'a service account that the operator impersonates': impersonating('a-b@c.iam.gserviceaccount.com'),
  ...acceptances('region', ['us-gov-west-1', 'ap-southeast-3', 'cn-north-1'], (region) => ofAws({ region })),
};

const ONE_OF_AWS = 'aws must have exactly one of accessKey, webIdentity and operatorIdentity';
const ONE_OF_AZURE = 'azure must have exactly one of workloadIdentity and operatorIdentity';
const ONE_OF_GCP = 'gcp must have exactly one of serviceAccountKey and operatorIdentity';
const ID = "identityId must be the machine identity's id";

/** What is refused when it is applied. */
export const refusedFromClouds: Readonly<Record<string, RefusedRow>> = {
  'no credentials of AWS': {
    spec: by({ aws: without(aws, 'webIdentity') }),
    field: 'spec.auth.aws',
    says: ONE_OF_AWS,
  },
  'two kinds of credentials of AWS': {
    spec: ofAws({ accessKey }),
    field: 'spec.auth.aws',
    says: ONE_OF_AWS,
  },
  'no identity of Azure': {
    spec: by({ azure: { identityId: IDENTITY } }),
    field: 'spec.auth.azure',
    says: ONE_OF_AZURE,
  },
  'two identities of Azure': {
    spec: ofAzure({ operatorIdentity: {} }),
    field: 'spec.auth.azure',
    says: ONE_OF_AZURE,
  },
  'no identity of Google Cloud': {
    spec: by({ gcp: { identityId: IDENTITY } }),
    field: 'spec.auth.gcp',
    says: ONE_OF_GCP,
  },
  'two identities of Google Cloud': {
    spec: by({ gcp: { ...gcp, serviceAccountKey: ref('a') } }),
    field: 'spec.auth.gcp',
    says: ONE_OF_GCP,
  },
  ...refusals('spec.auth.aws.identityId', ID, ['', 'a b'], (identityId) => ofAws({ identityId })),
  ...refusals('spec.auth.azure.identityId', ID, ['', 'a b'], (identityId) => ofAzure({ identityId })),
  ...refusals('spec.auth.gcp.identityId', ID, ['', 'a b'], (identityId) =>
    by({ gcp: { ...gcp, identityId } }),
  ),
  ...refusals(
    'spec.auth.aws.region',
    'region must be a region of AWS, such as eu-central-1',
    ['', 'eu', 'EU-CENTRAL-1', 'eu-central-1.a.net', 'eu-central-1/', 'eu-central-1\n'],
    (region) => ofAws({ region }),
  ),
  ...refusals(
    'spec.auth.aws.stsEndpoint',
    'stsEndpoint must be the address of an STS',
    ['', 'sts.amazonaws.com', 'https://u:p@a.net', 'https://a.net/b', 'https://a.net?b', 'ftp://a.net'],
    (stsEndpoint) => ofAws({ stsEndpoint }),
  ),
  ...refusals(
    'spec.auth.aws.webIdentity.roleArn',
    'roleArn must be the ARN of a role',
    [
      '',
      'leases',
      'arn:aws:iam::123456789012:user/a',
      'arn:aws:iam::1:role/a',
      'arn:aws:iam::123456789012:role/',
    ],
    (roleArn) => ofRole({ roleArn }),
  ),
  ...refusals('spec.auth.aws.accessKey.secretAccessKey', 'Required value', [undefined], () =>
    by({ aws: { ...without(aws, 'webIdentity'), accessKey: without(accessKey, 'secretAccessKey') } }),
  ),
  ...refusals(
    'spec.auth.azure.resource',
    'resource must be one resource, without spaces',
    ['', 'a b'],
    (resource) => ofAzure({ resource }),
  ),
  ...refusals(
    'spec.auth.azure.workloadIdentity.tenantId',
    'tenantId must be the id of a tenant',
    ['', '../a', 'a/b', '-'],
    (tenantId) => ofWorkload({ tenantId }),
  ),
  ...refusals(
    'spec.auth.azure.workloadIdentity.clientId',
    'clientId must be a client id',
    ['', 'a'],
    (clientId) => ofWorkload({ clientId }),
  ),
  ...refusals(
    'spec.auth.azure.workloadIdentity.authorityHost',
    'authorityHost must be the address of Entra ID',
    ['', 'http://login.microsoftonline.com', 'https://a.net/tenant', 'https://u:p@a.net'],
    (authorityHost) => ofWorkload({ authorityHost }),
  ),
  ...refusals(
    'spec.auth.gcp.operatorIdentity.impersonate',
    'impersonate must be the email address of a service account',
    ['', 'a', 'a@b.net', 'a/../b@c.iam.gserviceaccount.com', 'a@b/c.gserviceaccount.com'],
    impersonating,
  ),
  ...demanded('spec.auth.aws.identityId', 64, ofAws),
  ...demanded('spec.auth.aws.region', 32, ofAws),
  ...tooLong('spec.auth.aws.stsEndpoint', 2048, ofAws),
  ...demanded('spec.auth.aws.webIdentity.roleArn', 2048, ofRole),
  ...refusals('spec.auth.aws.webIdentity.serviceAccountRef', 'Required value', [undefined], () =>
    ofAws({ webIdentity: without(webIdentity, 'serviceAccountRef') }),
  ),
  ...accountRows('spec.auth.aws.webIdentity.serviceAccountRef', ofRole),
  ...refusals('spec.auth.aws.accessKey.accessKeyId', 'Required value', [undefined], () =>
    withKey(without(accessKey, 'accessKeyId')),
  ),
  ...credentialRows('spec.auth.aws.accessKey.accessKeyId', (accessKeyId) =>
    withKey({ ...accessKey, accessKeyId }),
  ),
  ...credentialRows('spec.auth.aws.accessKey.secretAccessKey', (secretAccessKey) =>
    withKey({ ...accessKey, secretAccessKey }),
  ),
  ...credentialRows('spec.auth.aws.accessKey.sessionToken', (sessionToken) =>
    withKey({ ...accessKey, sessionToken }),
  ),
  ...organizationRows('aws', aws),
  ...demanded('spec.auth.azure.identityId', 64, ofAzure),
  ...tooLong('spec.auth.azure.resource', 1024, ofAzure),
  ...demanded('spec.auth.azure.workloadIdentity.tenantId', 253, ofWorkload),
  ...demanded('spec.auth.azure.workloadIdentity.clientId', 36, ofWorkload),
  ...tooLong('spec.auth.azure.workloadIdentity.authorityHost', 2048, ofWorkload),
  ...refusals('spec.auth.azure.workloadIdentity.serviceAccountRef', 'Required value', [undefined], () =>
    ofAzure({ workloadIdentity: without(workloadIdentity, 'serviceAccountRef') }),
  ),
  ...accountRows('spec.auth.azure.workloadIdentity.serviceAccountRef', ofWorkload),
  ...refusals(
    'spec.auth.azure.operatorIdentity.clientId',
    'clientId must be a client id',
    ['', 'a'],
    ofManaged,
  ),
  ...refusals('spec.auth.azure.operatorIdentity.clientId', 'Too long', ['a'.repeat(37)], ofManaged),
  ...organizationRows('azure', azure),
  ...demanded('spec.auth.gcp.identityId', 64, (part) => by({ gcp: { ...gcp, ...part } })),
  ...credentialRows('spec.auth.gcp.serviceAccountKey', (serviceAccountKey) =>
    by({ gcp: { identityId: IDENTITY, serviceAccountKey } }),
  ),
  ...refusals('spec.auth.gcp.operatorIdentity.impersonate', 'Too long', ['a'.repeat(254)], impersonating),
  ...organizationRows('gcp', gcp),
};
