import { fault, type Fault } from '../src/errors.ts';

const target = { dynamicSecret: 'orders-postgres', projectSlug: 'shop', environmentSlug: 'prod', path: '/' };
const host = 'https://infisical.example.com';
const secret = 'orders-db';

/** One example of each fault, for the documentation and for tests of the table itself. */
export const exampleFaults: readonly Fault[] = [
  fault('InvalidSpec', { field: 'spec.ttl', rule: 'must be a duration such as 90m' }),
  fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' }),
  fault('NotGranted', { ...target, connection: 'shared', namespace: 'shop', lacking: 'environment' }),
  fault('ClusterConnectionsOff', { name: 'shared' }),
  fault('ConnectionInvalid', { field: 'spec.auth', rule: 'must name exactly one method' }),
  fault('CredentialNotFound', {
    field: 'spec.auth.universal.clientSecret',
    secret: 'infisical-login',
    key: 'clientSecret',
  }),
  fault('CredentialForbidden', { field: 'spec.auth.universal.clientSecret', secret: 'infisical-login' }),
  fault('LoginRefused', { host, status: 401, method: 'universal' }),
  fault('ServiceAccountNotFound', {
    field: 'spec.auth.kubernetes.serviceAccountRef',
    name: 'infisical-login',
    namespace: 'shop',
  }),
  fault('TokenRequestForbidden', {
    field: 'spec.auth.kubernetes.serviceAccountRef',
    name: 'infisical-login',
    namespace: 'shop',
  }),
  fault('TokenRequestRefused', {
    field: 'spec.auth.kubernetes.serviceAccountRef',
    name: 'infisical-login',
    status: 422,
  }),
  fault('TokenRefused', { host, status: 401 }),
  fault('HostNotAllowed', { host: 'http://infisical.example.com', list: 'http://infisical.example.com' }),
  fault('AddressNotAllowed', { host, kind: 'a private network' }),
  fault('TLSMaterialInvalid', {
    field: 'spec.caBundle.configMapKeyRef',
    kind: 'ConfigMap',
    name: 'company-ca',
    key: 'ca.crt',
    rule: 'holds a certificate that cannot be read, or none',
  }),
  fault('ClientCertificateRefused', { host, cause: 'none was shown' }),
  fault('ProxyRefused', { host, cause: 'it refused the tunnel' }),
  fault('ServerUnreachable', { host, cause: 'connection refused' }),
  fault('CertificateUntrusted', { host, cause: 'self-signed certificate' }),
  fault('NoAnswer', { host, request: 'create a lease' }),
  fault('UnexpectedAnswer', { host, status: 200, problem: 'a body that is not JSON' }),
  fault('ServerFailed', { host, status: 500, request: 'create a lease' }),
  fault('CircuitOpen', { host, cause: 'connection refused' }),
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
