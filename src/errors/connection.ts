import { entry } from './entry.ts';
import { connectionField, target, type TargetName } from './names.ts';

/** What to look at when a login is refused, by the method. */
const checks = {
  universal: 'the client id and secret that spec.auth.universal names, that they have not expired',
  kubernetes:
    "that the identity of spec.auth.kubernetes.identityId takes Kubernetes logins and allows the service account's namespace, name and audience, that the server can ask this cluster's API to review tokens",
  oidc: 'that the identity of spec.auth.oidc.identityId takes OIDC logins, that issuer, subject, audience and claims of the token are those it is bound to and that the token has not expired, that the server can reach the issuer',
  jwt: 'that the identity of spec.auth.jwt.identityId takes JWT logins, that issuer, subject, audience and claims of the token are those it is bound to and that the token has not expired, that the server has the key which it is signed with',
  aws: 'that the identity of spec.auth.aws.identityId takes AWS logins and allows this account and role or user, that spec.auth.aws.region and stsEndpoint are those of its settings, that the credentials have not ended',
  azure:
    'that the identity of spec.auth.azure.identityId takes Azure logins, that its tenant and resource are those of the token (spec.auth.azure.resource), that it allows the service principal',
  gcp: 'that the identity of spec.auth.gcp.identityId takes GCP logins of the type (gce for an ID token, iam for a signed one), and allows the service account, project and zone',
  ldap: 'that the identity of spec.auth.ldap.identityId takes LDAP logins and allows this user, the username and password that spec.auth.ldap names, that the server reaches its directory',
} as const;

/** What to look at when a cloud gives no proof of identity. */
const proofs = {
  aws: "the access key, or the role's trust policy and the issuer that it names; for the operator's own identity the annotation of its service account, or the hop limit of the instance's metadata (2)",
  azure:
    "the federated credential of the identity: issuer, subject, audience; for the operator's own identity the label and annotations of the workload identity, or the managed identity of its node",
  gcp: "that the Secret holds a service account's key in JSON; for the operator's own identity Workload Identity of its service account, and the right to sign for the impersonated one (roles/iam.serviceAccountTokenCreator)",
} as const;

/** What can be wrong with a connection, its credentials and its grants. */
export const connectionFaults = {
  ConnectionNotFound: entry(
    'change',
    (d: { kind: string; name: string; declaredBy?: string | undefined }) =>
      `${connectionField(d)} names ${d.kind} ${d.name}, which does not exist${d.kind === 'InfisicalConnection' ? ' in this namespace' : ''}. Create it or correct the name.`,
  ),
  NotGranted: entry(
    'change',
    (d: TargetName & { connection: string; namespace: string; lacking: string }) =>
      `ClusterInfisicalConnection ${d.connection} does not grant ${target(d)} to namespace ${d.namespace}: ${d.lacking === 'manage' ? 'the grant that covers it lets it be leased, and not declared (manage: true)' : `no grant covers the ${d.lacking}`}. Ask whoever looks after it to add one to its spec.grants, or use a connection of this namespace.`,
  ),
  ClusterConnectionsOff: entry(
    'change',
    (d: { name: string; declaredBy?: string | undefined }) =>
      `${connectionField(d)} names ClusterInfisicalConnection ${d.name}, and this operator, which looks after some namespaces only (--namespaces), uses none. Use an InfisicalConnection of this namespace.`,
  ),
  ConnectionInvalid: entry(
    'change',
    (d: { field: string; rule: string }) => `The connection's ${d.field} ${d.rule}.`,
  ),
  CredentialNotFound: entry(
    'backoff',
    (d: { field: string; secret: string; key: string; kind?: 'Secret' | 'ConfigMap' }) =>
      `${d.field} names key ${d.key} of ${d.kind ?? 'Secret'} ${d.secret}, which does not exist or is empty. Create the ${d.kind ?? 'Secret'} with that key.`,
  ),
  CredentialForbidden: entry(
    'slow',
    (d: { field: string; secret: string; kind?: 'Secret' | 'ConfigMap' }) =>
      `The operator may not read ${d.kind ?? 'Secret'} ${d.secret}, which ${d.field} names. Grant its service account "get" on that ${d.kind ?? 'Secret'}.`,
  ),
  LoginRefused: entry(
    'backoff',
    (d: { host: string; status: number; method: keyof typeof checks }) =>
      `${d.host} refused the login with status ${d.status}. Check ${checks[d.method]}, and that this cluster's address is among the identity's trusted ones.`,
  ),
  CloudIdentityNotAllowed: entry(
    'change',
    (d: { field: string; which: 'cluster' | 'none' }) =>
      `${d.field} asks for the cloud identity of the operator's own pod, which ${d.which === 'none' ? 'no connection may use here' : 'only a ClusterInfisicalConnection may use here'} (--cloud-identity). Name an identity of this namespace instead, use a ClusterInfisicalConnection that an administrator has made, or ask an administrator.`,
  ),
  CloudIdentityUnavailable: entry(
    'backoff',
    (d: { method: 'aws' | 'azure' | 'gcp'; cause: string }) =>
      `No proof of identity could be made for spec.auth.${d.method} (${d.cause}). Check ${proofs[d.method]}.`,
  ),
  ServiceAccountNotFound: entry(
    'backoff',
    (d: { field: string; name: string; namespace: string }) =>
      `${d.field} names ServiceAccount ${d.name}, which does not exist in namespace ${d.namespace}. Create it or correct the name.`,
  ),
  TokenRequestForbidden: entry(
    'slow',
    (d: { field: string; name: string; namespace: string }) =>
      `The operator may not request a token of ServiceAccount ${d.name}, which ${d.field} names. Grant its service account "create" on serviceaccounts/token in namespace ${d.namespace}, by a Role whose resourceNames has ${d.name}.`,
  ),
  TokenRequestRefused: entry(
    'slow',
    (d: { field: string; name: string; status: number }) =>
      `The Kubernetes API refused with status ${d.status} to make a token of ServiceAccount ${d.name}, which ${d.field} names. Check its audience, and the admission policies for token requests.`,
  ),
  TokenRefused: entry(
    'backoff',
    (d: { host: string; status: number }) =>
      `${d.host} refused the access token with status ${d.status}, a fresh one too. Check that the identity still exists, and its trusted addresses and usage limits.`,
  ),
} as const;
