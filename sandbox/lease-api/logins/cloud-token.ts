/** Logins with a token that Azure or Google Cloud has signed. */
import { decodeJwt } from 'jose';
import { Refusal } from '../refusal.ts';
import { claimAt, type Claims, permits } from './bounds.ts';
import type { AzureSettings, GcpSettings } from './cloud-settings.ts';
import { denied, invalid } from './denial.ts';
import type { Judging } from './oidc.ts';
import { headerOf, publishedKeys, verify } from './signed-token.ts';

/**
 * Checks a login with a token of Entra ID: signature, times, issuer and audience, then whose it is.
 *
 * @throws Refusal at the first check that fails
 */
export async function checkAzure(settings: AzureSettings, jwt: string, judging: Judging): Promise<void> {
  const { tenantId, resource, allowedServicePrincipalIds, jwksUrl } = settings;
  const issuer = `https://sts.windows.net/${tenantId}/`;
  const claims = await claimsOf(jwt, { jwksUrl, issuer }, judging);
  requireAudience(claims, resource, judging);
  if (!permits(allowedServicePrincipalIds, claims['oid'], 'exact'))
    throw denied('Azure service principal not allowed.', judging.profile);
}

/**
 * Checks a login with a token of Google Cloud, which is for the identity by its id.
 *
 * @throws Refusal at the first check that fails
 */
export async function checkGcp(
  settings: GcpSettings,
  jwt: string,
  judging: Judging & { readonly identityId: string },
): Promise<void> {
  const claims =
    settings.type === 'gce'
      ? await ofMachine(settings, jwt, judging)
      : await ofAccount(settings, jwt, judging);
  requireAudience(claims, judging.identityId, judging);
  const email = settings.type === 'gce' ? claims['email'] : claims['sub'];
  if (!permits(settings.allowedServiceAccounts, email, 'exact'))
    throw denied('GCP service account not allowed.', judging.profile);
}

async function ofMachine(settings: GcpSettings, jwt: string, judging: Judging): Promise<Claims> {
  const { allowedProjects, allowedZones, keysUrl } = settings;
  const claims = await claimsOf(jwt, { jwksUrl: keysUrl, issuer: 'https://accounts.google.com' }, judging);
  const machine = (name: string): unknown => claimAt(claims, `google.compute_engine.${name}`, 'current');
  if (!permits(allowedProjects, machine('project_id'), 'exact'))
    throw denied('GCP project not allowed.', judging.profile);
  if (!permits(allowedZones, machine('zone'), 'exact'))
    throw denied('GCP zone not allowed.', judging.profile);
  return claims;
}

/** The account that signed is the one that the token names: by its keys it is known. */
async function ofAccount({ keysUrl }: GcpSettings, jwt: string, judging: Judging): Promise<Claims> {
  const email = headerOf(jwt) === undefined ? undefined : decodeJwt(jwt).sub;
  if (email === undefined) throw invalid('jwt malformed', judging.profile);
  return claimsOf(jwt, { jwksUrl: `${keysUrl}/${encodeURIComponent(email)}`, issuer: email }, judging);
}

interface Source {
  readonly jwksUrl: string;
  readonly issuer: string;
}

async function claimsOf(jwt: string, { jwksUrl, issuer }: Source, judging: Judging): Promise<Claims> {
  const { profile, now } = judging;
  const header = headerOf(jwt);
  if (header === undefined) throw invalid('jwt malformed', profile);
  const keys = await publishedKeys(jwksUrl, { verify: true });
  const found = keys.find(({ id }) => id === header.keyId);
  if (found === undefined) throw invalid('invalid signature', profile);
  const verified = await verify(jwt, found.key, { now, issuer });
  if ('fault' in verified) throw invalid(verified.fault, profile);
  return verified.claims;
}

function requireAudience({ aud }: Claims, wanted: string, { profile }: Judging): void {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(wanted)) throw invalid(`jwt audience invalid. expected: ${wanted}`, profile);
}

/**
 * The proofs of clouds that have been accepted. A real server takes a token as often as it is shown while it is good, and a signed
 * request for some minutes; this one takes each once, so that it is seen whether each login has a fresh one.
 */
export class ShownProofs {
  readonly #shown = new Set<string>();

  /** @throws Refusal of kind `unauthorized` for a proof that was taken before */
  take(proof: string): void {
    if (this.#shown.has(proof))
      throw new Refusal('unauthorized', 'Access denied: this proof was shown before.');
    this.#shown.add(proof);
  }
}
