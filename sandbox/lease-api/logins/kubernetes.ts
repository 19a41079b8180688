import { z } from 'zod';
import { type Profile, Refusal } from '../refusal.ts';
import { type Matching, permits } from './bounds.ts';
import { denied, unnamed } from './denial.ts';
import { ask, type Reply } from './exchange.ts';
import type { KubernetesSettings } from './settings.ts';
import { unreachable, unusual } from './token-review.ts';

const review = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    error: z.string().optional(),
    audiences: z.array(z.string()).default([]),
    user: z.object({ username: z.string().default('') }).prefault({}),
  }),
});
type Status = z.infer<typeof review>['status'];

/**
 * Checks a login with the token of a service account: the API server reviews it, then the lists of the identity.
 *
 * @throws Refusal at the first check that fails
 */
export async function checkKubernetes(
  settings: KubernetesSettings,
  jwt: string,
  { profile }: { readonly profile: Profile },
): Promise<void> {
  const answer = await reviewed(settings, jwt, profile);
  const parsed = review.safeParse(answer.body);
  if (answer.status >= 300 || !parsed.success) throw unusual(answer, profile);
  const { status } = parsed.data;
  if (status.error !== undefined || !status.authenticated) throw unauthenticated(status, profile);
  const refusal = refusalOf(settings, status, profile);
  if (refusal !== undefined) throw refusal;
}

async function reviewed(settings: KubernetesSettings, jwt: string, profile: Profile): Promise<Reply> {
  const { kubernetesHost, caCert, tokenReviewerJwt, verifyTlsCertificate, allowedAudience } = settings;
  const current = profile === 'current';
  const audiences = current && allowedAudience !== '' ? { audiences: [allowedAudience] } : {};
  try {
    return await ask({
      method: 'POST',
      url: `${kubernetesHost.replace(/\/$/, '')}/apis/authentication.k8s.io/v1/tokenreviews`,
      bearer: tokenReviewerJwt ?? (current ? jwt : undefined),
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token: jwt, ...audiences },
      },
      trust: { ca: caCert, verify: current ? verifyTlsCertificate : caCert !== undefined },
    });
  } catch (error) {
    throw unreachable(error, kubernetesHost, profile);
  }
}

function unauthenticated({ error }: Status, profile: Profile): Refusal {
  if (profile === '2024') return error === undefined ? unnamed() : new Refusal('unauthorized', error);
  return new Refusal('unauthorized', error ?? 'Kubernetes token not authenticated', {
    error: 'KubernetesTokenReviewError',
  });
}

/** What the identity's lists say to a token that the API server knows. Pure. */
export function refusalOf(
  settings: KubernetesSettings,
  { user: { username }, audiences }: Pick<Status, 'user' | 'audiences'>,
  profile: Profile,
): Refusal | undefined {
  const [system, kind, namespace, name, ...rest] = username.split(':');
  if (system !== 'system' || kind !== 'serviceaccount' || name === undefined || rest.length > 0)
    return noServiceAccount(username, profile);
  const matching: Matching = profile === 'current' ? 'glob' : 'exact';
  if (!permits(settings.allowedNamespaces, namespace, matching))
    return denied('K8s namespace not allowed.', profile);
  if (!permits(settings.allowedNames, name, matching)) return denied('K8s name not allowed.', profile);
  const { allowedAudience } = settings;
  if (allowedAudience !== '' && !audiences.includes(allowedAudience))
    return denied('K8s audience not allowed.', profile);
  return undefined;
}

function noServiceAccount(username: string, profile: Profile): Refusal {
  if (profile === '2024') return new Refusal('internal', 'Invalid username format');
  return new Refusal(
    'bad-request',
    `Invalid Kubernetes service account username format: "${username}". Expected format: system:serviceaccount:<namespace>:<name>`,
    { error: 'KubernetesUsernameParseError' },
  );
}
