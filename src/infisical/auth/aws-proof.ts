/** What AWS Auth shows. Loaded when a login uses it: AWS's library comes with it. */
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { fromHttp } from '@aws-sdk/credential-provider-http';
import { fromTokenFile, fromWebToken } from '@aws-sdk/credential-provider-web-identity';
import { fromInstanceMetadata } from '@smithy/credential-provider-imds';
import type { AwsCredentialIdentity } from '@smithy/types';
import { z } from 'zod';

import { FaultError } from '../../errors.ts';
import { signedQuestion, stsOf } from './aws-signature.ts';
import { CloudError, type CloudNetwork, type ProofContext } from './cloud.ts';
import { askCloud } from './cloud-request.ts';

/** Where the credentials come from that the request is signed with. */
export type AwsSource =
  | { readonly kind: 'accessKey'; readonly keys: AwsCredentialIdentity }
  | { readonly kind: 'webIdentity'; readonly roleArn: string; readonly token: string }
  | { readonly kind: 'operator' };

export interface AwsOptions {
  readonly region: string;
  /** @default the public one of the region */
  readonly stsEndpoint?: string | undefined;
  readonly source: AwsSource;
}

/** How the session of an assumed role is called in AWS's own records. */
const SESSION = 'leaseholder';

/** One try at a metadata service: milliseconds until it counts as not there. */
const METADATA_TIMEOUT = 1000;

/** @throws CloudError, FaultError */
export async function awsProof(
  { region, stsEndpoint, source }: AwsOptions,
  context: ProofContext,
): Promise<Readonly<Record<string, string>>> {
  const endpoint = stsEndpoint ?? stsOf(region);
  const credentials = await credentialsOf(source, { region, endpoint, context });
  return signedQuestion({ region, endpoint, credentials, seconds: context.seconds });
}

interface Place {
  readonly region: string;
  readonly endpoint: string;
  readonly context: ProofContext;
}

async function credentialsOf(source: AwsSource, place: Place): Promise<AwsCredentialIdentity> {
  const { region, endpoint, context } = place;
  try {
    switch (source.kind) {
      case 'accessKey':
        return source.keys;
      case 'webIdentity': {
        const clientConfig = { ...stsClient(region, context, context.network), endpoint };
        const { roleArn, token: webIdentityToken } = source;
        return await fromWebToken({ roleArn, roleSessionName: SESSION, webIdentityToken, clientConfig })();
      }
      case 'operator':
        return await ownCredentials(region, context);
    }
  } catch (error) {
    throw translated(error);
  }
}

/**
 * What the operator's own pod is to AWS, in the order of AWS's own chain: variables, a web-identity token (IRSA), a container's
 * credentials (EKS Pod Identity, ECS), the instance's role. What that chain has for people's machines (profiles, SSO,
 * programs that are run) is left out. The STS is that of the environment or the region, whatever the connection names: it is
 * shown a token of the operator's own.
 */
async function ownCredentials(region: string, context: ProofContext): Promise<AwsCredentialIdentity> {
  const clientConfig = stsClient(region, context, { ...context.network, rule: { rule: 'administrator' } });
  const providers = [
    () => fromEnv()(),
    () => fromTokenFile({ roleSessionName: SESSION, clientConfig })(),
    () => fromHttp({ timeout: METADATA_TIMEOUT, maxRetries: 1 })(),
    () => fromInstanceMetadata({ timeout: METADATA_TIMEOUT, maxRetries: 1, ec2MetadataV1Disabled: true })(),
  ];
  for (const provider of providers) {
    try {
      return await provider();
    } catch (error) {
      if (!givesWay.safeParse(error).success) throw error;
    }
  }
  throw new CloudError('no credentials of AWS were found');
}

/** What a provider throws that is not the one to ask here. */
const givesWay = z.looseObject({ tryNextLink: z.literal(true) });

/** How the library asks an STS: by our own way, with its rules; the deadline of the login is the only one. */
function stsClient(region: string, { signal }: ProofContext, network: CloudNetwork): object {
  return { region, maxAttempts: 1, requestHandler: requestHandler(network, signal) };
}

interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

function requestHandler(network: CloudNetwork, signal: AbortSignal): object {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async ({ protocol, hostname, port, path, headers, body }: SdkRequest) => {
      const url = `${protocol}//${hostname}${port === undefined ? '' : `:${String(port)}`}${path}`;
      const field = 'spec.auth.aws.stsEndpoint';
      const asked = { method: 'POST', url, headers, body } as const;
      const answer = await askCloud(network, asked, { signal, field });
      return { response: { statusCode: answer.status, headers: answer.headers, body: answer.body } };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => undefined,
  };
}

/** Names of refusals that tell what to mend. What AWS says beside them is not repeated. */
const telling: ReadonlySet<string> = new Set([
  'AccessDenied',
  'ExpiredToken',
  'IDPCommunicationError',
  'IDPRejectedClaim',
  'InvalidIdentityToken',
  'RegionDisabled',
  'ValidationError',
]);

const service = z.looseObject({
  name: z.string(),
  $metadata: z.looseObject({ httpStatusCode: z.number() }),
});

/** A fault of ours can lie behind what the library throws. */
function translated(error: unknown): unknown {
  if (error instanceof FaultError || error instanceof CloudError) return error;
  const refusal = service.safeParse(error).data;
  if (refusal !== undefined) {
    const name = refusal.name.replace(/Exception$/, '');
    const word = telling.has(name) ? ` (${name})` : '';
    const words = `AWS refused with status ${String(refusal.$metadata.httpStatusCode)}${word}`;
    return new CloudError(words, { cause: error });
  }
  return isNoCredentials(error)
    ? new CloudError('no credentials of AWS could be had', { cause: error })
    : error;
}

function isNoCredentials(error: unknown): boolean {
  return error instanceof Error && error.name.endsWith('ProviderError');
}
