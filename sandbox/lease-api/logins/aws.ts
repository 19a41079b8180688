import { request } from 'undici';
import { z } from 'zod';
import { type Profile, Refusal } from '../refusal.ts';
import { permits } from './bounds.ts';
import type { AwsSettings } from './cloud-settings.ts';
import { denied, invalid } from './denial.ts';

/** What a login shows: a request that somebody has signed, in parts. */
export interface AwsProof {
  readonly iamHttpRequestMethod: string;
  readonly iamRequestBody: string;
  readonly iamRequestHeaders: string;
}

const headersOfProof = z.record(z.string(), z.union([z.string(), z.number().transform(String)]));

const caller = z.object({
  GetCallerIdentityResponse: z.object({
    GetCallerIdentityResult: z.object({ Account: z.string(), Arn: z.string() }),
  }),
});

/**
 * Checks a login with a signed request: sends it to the STS as it is, and asks the identity's lists about whom that names.
 *
 * @throws Refusal at the first check that fails
 */
export async function checkAws(
  { stsEndpoint, allowedAccountIds, allowedPrincipalArns }: AwsSettings,
  proof: AwsProof,
  { profile }: { readonly profile: Profile },
): Promise<void> {
  const { status, text } = await sent(stsEndpoint, proof);
  if (status !== 200) throw invalid(`Request failed with status code ${status}`, profile);
  const { Account, Arn } = caller.parse(JSON.parse(text)).GetCallerIdentityResponse.GetCallerIdentityResult;
  if (!permits(allowedAccountIds, Account, 'exact')) throw denied('AWS account ID not allowed.', profile);
  if (!permits(allowedPrincipalArns, Arn, profile === 'current' ? 'glob' : 'exact'))
    throw denied('AWS principal ARN not allowed.', profile);
}

async function sent(
  url: string,
  { iamHttpRequestMethod, iamRequestBody, iamRequestHeaders }: AwsProof,
): Promise<{ readonly status: number; readonly text: string }> {
  const headers = headersOfProof.safeParse(parsed(decoded(iamRequestHeaders))).data;
  // A server that sent anything else would be asked to do anything else.
  if (headers === undefined || iamHttpRequestMethod !== 'POST')
    throw new Refusal('bad-request', 'Invalid AWS request');
  const answer = await request(url, {
    method: 'POST',
    headers: { accept: 'application/json', ...headers },
    body: decoded(iamRequestBody),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
