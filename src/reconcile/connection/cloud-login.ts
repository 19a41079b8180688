import type { ConnectionAuth } from '../../api/auth.ts';
import { fault, FaultError } from '../../errors.ts';
import type { LoginMethod } from '../../infisical/auth/access-token.ts';
import type { AwsSource } from '../../infisical/auth/aws-proof.ts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { cloudLogin, type CloudNetwork, type CloudOptions } from '../../infisical/auth/cloud.ts';
import type { AllowedEnvironment } from '../../infisical/auth/cloud-environment.ts';
import type { Credentials } from './credentials.ts';
import { requestProof, type TokenRequests } from './proof.ts';

/** Which connections may use the cloud identity of the operator's own pod: `--cloud-identity`. */
export type CloudIdentity = 'cluster' | 'all' | 'off';

/** What of clouds one connection may use. */
export interface CloudAccess {
  readonly identity: CloudIdentity;
  /** Whether it is a ClusterInfisicalConnection, which an administrator has made. */
  readonly ofCluster: boolean;
  readonly network: CloudNetwork;
  readonly environment: AllowedEnvironment;
}

export interface CloudLoginOptions extends TokenRequests {
  readonly credentials: Credentials;
  readonly auth: ConnectionAuth;
  readonly clouds: CloudAccess;
}

type Aws = NonNullable<ConnectionAuth['aws']>;
type Azure = NonNullable<ConnectionAuth['azure']>;
type Gcp = NonNullable<ConnectionAuth['gcp']>;

/**
 * The login of a connection that names a cloud. What the clouds' libraries are is loaded by the first login.
 *
 * @returns undefined where it names none.
 * @throws FaultError CloudIdentityNotAllowed when it asks for the operator's own identity and may not have it.
 */
export function byCloud(options: CloudLoginOptions): LoginMethod | undefined {
  const { aws, azure, gcp } = options.auth;
  const named = aws ?? azure ?? gcp;
  if (named === undefined) return undefined;
  const { identityId, organizationSlug } = named;
  const { network, environment } = options.clouds;
  const common = { identityId, organizationSlug, network, environment };
  if (named.operatorIdentity !== undefined) requireOwn(options);
  if (aws !== undefined) return cloudLogin({ ...common, method: 'aws', prove: proveAws(options, aws) });
  if (azure !== undefined)
    return cloudLogin({ ...common, method: 'azure', prove: proveAzure(options, azure) });
  return gcp && cloudLogin({ ...common, method: 'gcp', prove: proveGcp(options, gcp) });
}

/** A tenant who chooses the server could have it shown who the operator is, and be the operator there. */
function requireOwn({ auth, clouds: { identity, ofCluster } }: CloudLoginOptions): void {
  if (identity === 'all' || (identity === 'cluster' && ofCluster)) return;
  const method = (['aws', 'azure', 'gcp'] as const).find((one) => auth[one] !== undefined) ?? 'aws';
  const field = `spec.auth.${method}.operatorIdentity`;
  throw new FaultError(
    fault('CloudIdentityNotAllowed', { field, which: identity === 'off' ? 'none' : 'cluster' }),
  );
}

type Prove = CloudOptions['prove'];

function proveAws(options: CloudLoginOptions, aws: Aws): Prove {
  const { region, stsEndpoint } = aws;
  return async (context) => {
    const source = await awsSource(options, aws);
    const { awsProof } = await import('../../infisical/auth/aws-proof.ts');
    return awsProof({ region, stsEndpoint, source }, context);
  };
}

async function awsSource(options: CloudLoginOptions, { accessKey, webIdentity }: Aws): Promise<AwsSource> {
  if (accessKey !== undefined) return { kind: 'accessKey', keys: await awsKeys(options, accessKey) };
  if (webIdentity === undefined) return { kind: 'operator' };
  const { roleArn, serviceAccountRef } = webIdentity;
  const account = { audience: 'sts.amazonaws.com', ...serviceAccountRef };
  const token = await requestProof(options, 'spec.auth.aws.webIdentity.serviceAccountRef', account);
  return { kind: 'webIdentity', roleArn, token: token.trim() };
}

async function awsKeys(
  { credentials }: CloudLoginOptions,
  keys: NonNullable<Aws['accessKey']>,
): Promise<AwsCredentialIdentity> {
  // One after the other: where several are missing, the fault always names the same one.
  const read = async (name: 'accessKeyId' | 'secretAccessKey'): Promise<string> =>
    (await credentials.read(`spec.auth.aws.accessKey.${name}`, keys[name])).trim();
  const accessKeyId = await read('accessKeyId');
  const secretAccessKey = await read('secretAccessKey');
  if (keys.sessionToken === undefined) return { accessKeyId, secretAccessKey };
  const token = await credentials.read('spec.auth.aws.accessKey.sessionToken', keys.sessionToken);
  return { accessKeyId, secretAccessKey, sessionToken: token.trim() };
}

function proveAzure(
  options: CloudLoginOptions,
  { resource, workloadIdentity, operatorIdentity }: Azure,
): Prove {
  return async (context) => {
    const { azureProof } = await import('../../infisical/auth/azure-proof.ts');
    if (workloadIdentity === undefined)
      return azureProof({ resource, source: { kind: 'operator', ...operatorIdentity } }, context);
    const { serviceAccountRef, ...rest } = workloadIdentity;
    const account = { audience: 'api://AzureADTokenExchange', ...serviceAccountRef };
    const field = 'spec.auth.azure.workloadIdentity.serviceAccountRef';
    const token = (await requestProof(options, field, account)).trim();
    return azureProof({ resource, source: { kind: 'workload', ...rest, token } }, context);
  };
}

function proveGcp(
  { credentials }: CloudLoginOptions,
  { identityId, serviceAccountKey, operatorIdentity }: Gcp,
): Prove {
  return async (context) => {
    const { gcpProof } = await import('../../infisical/auth/gcp-proof.ts');
    if (serviceAccountKey === undefined)
      return gcpProof({ identityId, source: { kind: 'operator', ...operatorIdentity } }, context);
    const json = await credentials.read('spec.auth.gcp.serviceAccountKey', serviceAccountKey);
    return gcpProof({ identityId, source: { kind: 'key', json } }, context);
  };
}
