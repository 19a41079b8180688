import { fault, type Fault } from '../src/errors.ts';

const target = { dynamicSecret: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'prod', path: '/' };
const host = 'https://infisical.example.com';
const secret = 'orders-db';

/** One example of each fault, for the documentation and for tests of the table itself. */
export const exampleFaults: readonly Fault[] = [
  fault('InvalidSpec', { field: 'spec.ttl', rule: 'must be a duration such as 90m' }),
  fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' }),
  fault('ConnectionInvalid', { field: 'spec.auth', rule: 'must name exactly one method' }),
  fault('CredentialNotFound', {
    field: 'spec.auth.universal.clientSecret',
    secret: 'infisical-login',
    key: 'clientSecret',
  }),
  fault('CredentialForbidden', { field: 'spec.auth.universal.clientSecret', secret: 'infisical-login' }),
  fault('LoginRefused', { host, status: 401 }),
  fault('TokenRefused', { host, status: 401 }),
  fault('ServerUnreachable', { host, cause: 'connection refused' }),
  fault('CertificateUntrusted', { host, cause: 'self-signed certificate' }),
  fault('NoAnswer', { host, request: 'create a lease' }),
  fault('UnexpectedAnswer', { host, status: 200, problem: 'a body that is not JSON' }),
  fault('ServerFailed', { host, status: 500, request: 'create a lease' }),
  fault('RateLimited', { host }),
  fault('TargetNotFound', target),
  fault('PermissionDenied', { ...target, request: 'create a lease' }),
  fault('TTLTooLong', { ...target, ttl: '48h' }),
  fault('LeaseLimitReached', target),
  fault('PlanRestricted', { host }),
  fault('RequestRefused', { ...target, status: 400, request: 'create a lease' }),
  fault('SecretConflict', { secret }),
  fault('SecretRefused', { secret, status: 403, reason: 'Forbidden' }),
  fault('SecretInvalid', { secret, problem: 'key "a b" is not one that a Secret can have' }),
  fault('SecretNotWritten', { secret }),
  fault('KubernetesUnavailable', { request: 'write the status' }),
  fault('Contended', { secret }),
  fault('RevocationFailed', target),
  fault('RetiringFull', { most: 16 }),
  fault('Unaccounted', target),
  fault('LeaseLost', target),
  fault('Internal', undefined),
];
