/** What the server says when the API server did not review a token: a fault of the identity's settings, mostly. */
import { z } from 'zod';
import { type Profile, Refusal } from '../refusal.ts';
import type { Reply } from './exchange.ts';

const coded = z.looseObject({ code: z.string() });
const withMessage = z.object({ message: z.string() });

const CERTIFICATE_CODES = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
];

/** Nobody answered. A server of 2024 passes on what the connection failed with, as a 500. */
export function unreachable(error: unknown, host: string, profile: Profile): Refusal {
  const text = error instanceof Error ? error.message : String(error);
  if (profile === '2024') return new Refusal('internal', text);
  const code = coded.safeParse(error).data?.code ?? '';
  const server = `Kubernetes API server at ${host}`;
  if (code === 'ECONNREFUSED')
    return refused(
      'ConnectionRefused',
      `Failed to connect to ${server}: Connection refused. Verify the host URL and ensure the kubernetes api server is accessible.`,
    );
  if (CERTIFICATE_CODES.includes(code))
    return refused('CertificateError', `SSL certificate verification failed for ${server}.`);
  if (error instanceof DOMException || code.endsWith('TIMEOUT'))
    return refused(
      'ConnectionTimeout',
      `Connection to ${server} timed out. Verify network connectivity and firewall rules.`,
    );
  return refused('ConnectionError', `Failed to communicate with ${server}: ${text}`);
}

/** The API server answered something other than a review: it does not know the reviewer, or gives it no right. */
export function unusual({ status, body }: Reply, profile: Profile): Refusal {
  if (profile === '2024') return new Refusal('internal', `Request failed with status code ${status}`);
  const message =
    withMessage.safeParse(body).data?.message ?? `Kubernetes returned HTTP ${status}: Unknown error`;
  if (status === 401)
    return new Refusal('unauthorized', message, { error: 'KubernetesTokenReviewerUnauthorized' });
  if (status === 403)
    return new Refusal('unauthorized', message, { error: 'KubernetesTokenReviewerForbidden' });
  return new Refusal('bad-request', message, { error: 'KubernetesTokenReviewRequestError' });
}

function refused(name: string, message: string): Refusal {
  return new Refusal('bad-request', message, { error: `Kubernetes${name}` });
}
