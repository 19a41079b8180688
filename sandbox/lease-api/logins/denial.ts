import { type Profile, Refusal } from '../refusal.ts';
import type { IdentityLoginMethod } from './settings.ts';

const NAMES = {
  kubernetes: 'Kubernetes',
  oidc: 'OIDC',
  jwt: 'JWT',
  aws: 'AWS',
  azure: 'Azure',
  gcp: 'GCP',
  ldap: 'LDAP',
} as const satisfies Record<IdentityLoginMethod, string>;

/** The identity is not there, or has not this way to log in: no difference is told. */
export function notConfigured(method: IdentityLoginMethod, profile: Profile): Refusal {
  if (profile === '2024') return unnamed();
  const name = NAMES[method];
  return new Refusal(
    'not-found',
    `${name} auth method not found for identity, did you configure ${name} auth?`,
  );
}

/** What a server of 2024 says where it gives no reason. */
export function unnamed(): Refusal {
  return new Refusal('unauthorized', 'You are not allowed to access this resource');
}

/** The token is genuine and not allowed. A server of 2024 has no handler for it: its answer is a 500. */
export function denied(message: string, profile: Profile): Refusal {
  return new Refusal(profile === '2024' ? 'forbidden' : 'unauthorized', `Access denied: ${message}`);
}

/** The same where the current server answers 403 as well. */
export function forbidden(message: string): Refusal {
  return new Refusal('forbidden', `Access denied: ${message}`);
}

/** The token is not what it says to be. A server of 2024 answers 500 with the raw text. */
export function invalid(fault: string, profile: Profile): Refusal {
  return profile === '2024' ? new Refusal('token', fault) : denied(fault, profile);
}
