/** What GCP Auth shows. Three requests at most, made here: docs/adr/0018 says why not by Google's library. */
import { createPrivateKey, sign } from 'node:crypto';

import { z } from 'zod';

import { CloudError, type CloudNetwork, type ProofContext } from './cloud.ts';
import { askCloud, metadataNetwork, refusedWith } from './cloud-request.ts';

export interface GcpOptions {
  /** Whom tokens are for: the identity, by its id. */
  readonly identityId: string;
  readonly source: GcpSource;
}

export type GcpSource =
  /** A service account's key, in the JSON that Google makes. */
  | { readonly kind: 'key'; readonly json: string }
  /** The pod's own; `impersonate`: a service account that IAM is to sign a token for. */
  | { readonly kind: 'operator'; readonly impersonate?: string | undefined };

/** How long a token that is signed here is good for, in seconds. Google allows an hour. */
const LIFE = 600;

const METADATA = 'http://169.254.169.254';
const IAM = 'https://iamcredentials.googleapis.com';

/** @throws CloudError, FaultError */
export async function gcpProof(
  { identityId, source }: GcpOptions,
  context: ProofContext,
): Promise<Readonly<Record<string, string>>> {
  if (source.kind === 'key') return { jwt: signedByKey(source.json, identityId, context.seconds) };
  const { impersonate } = source;
  return {
    jwt: await (impersonate === undefined
      ? idToken(identityId, context)
      : signedByIam(impersonate, identityId, context)),
  };
}

const serviceAccountKey = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().min(1),
});

const NO_KEY = 'the key is no JSON of a service account';

/** What the account says of itself, signed with its key: by the server's time, so that a wrong clock here changes nothing. */
function signedByKey(json: string, audience: string, seconds: number): string {
  const key = keyIn(json);
  const header = { alg: 'RS256', typ: 'JWT', kid: key.private_key_id };
  const content = `${part(header)}.${part(claims(key.client_email, audience, seconds))}`;
  try {
    const signature = sign('RSA-SHA256', Buffer.from(content), createPrivateKey(key.private_key));
    return `${content}.${signature.toString('base64url')}`;
  } catch (error) {
    throw new CloudError(NO_KEY, { cause: error });
  }
}

function keyIn(json: string): z.infer<typeof serviceAccountKey> {
  try {
    return serviceAccountKey.parse(JSON.parse(json));
  } catch {
    // What does not parse is quoted by what says so: it is a credential.
    throw new CloudError(NO_KEY);
  }
}

function claims(email: string, audience: string, seconds: number): object {
  return { iss: email, sub: email, aud: audience, iat: seconds, exp: seconds + LIFE };
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The metadata server's word for the pod's own account, with what it runs on. */
async function idToken(audience: string, context: ProofContext): Promise<string> {
  const query = new URLSearchParams({ audience, format: 'full' });
  const body = await metadata(`identity?${query.toString()}`, context);
  return body.toString('utf8').trim();
}

const accessToken = z.object({ access_token: z.string().min(1) });
const signature = z.object({ signedJwt: z.string().min(1) });

/** A token of another account, which IAM signs for whoever may have it do so (Service Account Token Creator). */
async function signedByIam(email: string, audience: string, context: ProofContext): Promise<string> {
  const { access_token: token } = read(accessToken, await metadata('token', context));
  const { CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: endpoint = IAM } = context.environment;
  const url = `${endpoint.replace(/\/+$/, '')}/v1/projects/-/serviceAccounts/${email}:signJwt`;
  const payload = JSON.stringify(claims(email, audience, context.seconds));
  // The endpoint is Google's or the environment's, never the connection's: it is shown the pod's own token.
  const network: CloudNetwork = { ...context.network, rule: { rule: 'administrator' } };
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const request = { method: 'POST', url, headers, body: JSON.stringify({ payload }) } as const;
  const field = 'spec.auth.gcp.operatorIdentity';
  const { status, body } = await askCloud(network, request, { signal: context.signal, field });
  if (status !== 200) throw refusedWith(status);
  return read(signature, body).signedJwt;
}

/** Asks the metadata server of the node, or on GKE of the pod. */
async function metadata(path: string, { signal, environment }: ProofContext): Promise<Buffer> {
  const { GCE_METADATA_HOST: host } = environment;
  const base = host === undefined ? METADATA : `http://${host}`;
  const url = `${base}/computeMetadata/v1/instance/service-accounts/default/${path}`;
  const request = { method: 'GET', url, headers: { 'metadata-flavor': 'Google' } } as const;
  const field = 'spec.auth.gcp.operatorIdentity';
  const { status, headers, body } = await askCloud(metadataNetwork, request, { signal, field });
  if (status !== 200) throw refusedWith(status);
  // Whatever else answers at that address is no metadata server.
  if (headers['metadata-flavor'] !== 'Google') throw new CloudError('no metadata server of Google Cloud');
  return body;
}

function read<Value>(schema: z.ZodType<Value>, body: Buffer): Value {
  try {
    return schema.parse(JSON.parse(body.toString('utf8')));
  } catch {
    throw new CloudError('an answer of an unknown form');
  }
}
