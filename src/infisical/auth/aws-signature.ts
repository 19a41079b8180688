import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity } from '@smithy/types';

import { Sha256 } from './sha256.ts';

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const CONTENT_TYPE = 'application/x-www-form-urlencoded; charset=utf-8';

/** As servers look for them: they read `Authorization` for the region, in this writing. */
const written: Readonly<Record<string, string>> = {
  authorization: 'Authorization',
  'content-length': 'Content-Length',
  'content-type': 'Content-Type',
  host: 'Host',
  'x-amz-date': 'X-Amz-Date',
  'x-amz-security-token': 'X-Amz-Security-Token',
};

export interface Signing {
  readonly region: string;
  /** The STS that the server is to send the request to. */
  readonly endpoint: string;
  readonly credentials: AwsCredentialIdentity;
  /** When it is signed, in seconds since 1970. AWS takes it for some minutes around. */
  readonly seconds: number;
}

/**
 * A request that asks AWS whose credentials it is signed with (GetCallerIdentity, Signature Version 4), as the body of a login
 * carries it (contract section 1.10). Whoever has it can only ask that, for some minutes.
 */
export async function signedQuestion(signing: Signing): Promise<Readonly<Record<string, string>>> {
  const { region, endpoint, credentials, seconds } = signing;
  const { protocol, hostname, host, port } = new URL(endpoint);
  // Without the checksum's own header, which servers do not pass on.
  const signer = new SignatureV4({
    credentials,
    region,
    service: 'sts',
    sha256: Sha256,
    applyChecksum: false,
  });
  const question = {
    method: 'POST',
    protocol,
    hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    path: '/',
    query: {},
    headers: { host, 'content-type': CONTENT_TYPE, 'content-length': String(BODY.length) },
    body: BODY,
  };
  const { headers } = await signer.sign(question, { signingDate: seconds });
  const named = Object.entries(headers).map(([name, value]) => [written[name] ?? name, value] as const);
  return {
    iamHttpRequestMethod: 'POST',
    iamRequestBody: base64(BODY),
    iamRequestHeaders: base64(JSON.stringify(Object.fromEntries(named))),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The public STS of a region. */
export function stsOf(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
