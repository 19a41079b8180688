/**
 * The table of everything that can go wrong, as a user meets it: a code (the reason of a condition), how it is
 * retried, and a sentence that names the field or the object and what to do. A sentence holds names, statuses and
 * limits only: never a credential, a server's own words, a time or a counter, so that it changes only when the
 * fault does.
 *
 * Retry classes:
 *  - `backoff`: heals by itself; tried again with exponential waits of at most two minutes.
 *  - `slow`: somebody must mend it, outside the object, where we cannot watch; tried again every few minutes.
 *  - `rare`: as `slow`, but each try costs a lease: tried again after some minutes, and less and less often.
 *  - `change`: only a change of the object can mend it; tried again when the object changes.
 */
export type RetryClass = 'backoff' | 'slow' | 'rare' | 'change';

interface Entry<Named> {
  readonly retry: RetryClass;
  readonly sentence: (details: Named) => string;
}

function entry<Named = void>(retry: RetryClass, sentence: (details: Named) => string): Entry<Named> {
  return { retry, sentence };
}

const target = (t: TargetName): string =>
  `dynamic secret ${t.dynamicSecret} in project ${t.projectSlug}, environment ${t.environmentSlug}, path ${t.path}`;

/** Where a connection is named: in the spec itself, or in that of the DynamicSecret which it refers to. */
const connectionField = ({ declaredBy }: { readonly declaredBy?: string | undefined }): string =>
  declaredBy === undefined ? 'spec.connectionRef' : `spec.connectionRef of DynamicSecret ${declaredBy}`;

/** What to look at when a login is refused, by the method. */
const checks = {
  universal: 'the client id and secret that spec.auth.universal names, that they have not expired',
  kubernetes:
    "that the identity of spec.auth.kubernetes.identityId takes Kubernetes logins and allows the service account's namespace, name and audience, that the server can ask this cluster's API to review tokens",
  oidc: 'that the identity of spec.auth.oidc.identityId takes OIDC logins, that issuer, subject, audience and claims of the token are those it is bound to and that the token has not expired, that the server can reach the issuer',
  jwt: 'that the identity of spec.auth.jwt.identityId takes JWT logins, that issuer, subject, audience and claims of the token are those it is bound to and that the token has not expired, that the server has the key which it is signed with',
} as const;

/** The same, or where only a folder is spoken of. */
const declared = (t: DeclaredName): string =>
  t.dynamicSecret === undefined
    ? `dynamic secrets in project ${t.projectSlug}, environment ${t.environmentSlug}, path ${t.path}`
    : target({ ...t, dynamicSecret: t.dynamicSecret });

/** The permission that a request about a dynamic secret itself needs: of servers of today, and of those of 2024. */
const permissions = {
  create: { today: 'create-root-credential', of2024: 'create' },
  edit: { today: 'edit-root-credential', of2024: 'edit' },
  delete: { today: 'delete-root-credential', of2024: 'edit' },
  list: { today: 'read-root-credential', of2024: 'read' },
} as const;

/** The names that lead to a dynamic secret, as they stand in `spec.dynamicSecret`. */
export interface TargetName {
  readonly projectSlug: string;
  readonly environmentSlug: string;
  readonly path: string;
  readonly dynamicSecret: string;
}

/** Those of a dynamic secret, as a DynamicSecret declares it, or of its folder alone. */
export type DeclaredName = Omit<TargetName, 'dynamicSecret'> & { readonly dynamicSecret?: string };

const table = {
  // The object itself
  InvalidSpec: entry('change', (d: { field: string; rule: string }) => `${d.field} ${d.rule}.`),

  // The connection
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

  // The DynamicSecret that declares what is leased
  DynamicSecretNotFound: entry(
    'change',
    (d: { name: string }) =>
      `spec.dynamicSecretRef names DynamicSecret ${d.name}, which does not exist in this namespace. Create it or correct the name.`,
  ),
  DynamicSecretNotReady: entry(
    'backoff',
    (d: { name: string }) =>
      `DynamicSecret ${d.name}, which spec.dynamicSecretRef names, is not on the server yet. Leases begin when it is; if this lasts, its own conditions say why.`,
  ),
  DynamicSecretDeleted: entry(
    'change',
    (d: { name: string }) =>
      `DynamicSecret ${d.name}, which spec.dynamicSecretRef names, is being deleted, so nothing more is leased from it: the lease in the Secret goes on to its end (status.lease.expireAt). Delete this object, or name another DynamicSecret.`,
  ),

  ConnectionElsewhere: entry(
    'change',
    (d: { connection: string; name: string; declaredBy?: string | undefined }) =>
      `${connectionField(d)} names ${d.connection}, which leads to another server than the one that keeps the dynamic secret of DynamicSecret ${d.name}. ${d.declaredBy === undefined ? 'Leave it out, or name a connection to that server' : 'Name a connection to that server there'}.`,
  ),

  // The way to the server
  HostNotAllowed: entry(
    'change',
    (d: { host: string; list: string }) =>
      `The operator does not connect to ${d.host}, which the connection's spec.hostAPI names, because no entry of its --allowed-hosts does. Correct spec.hostAPI, or have an administrator list ${d.list} there.`,
  ),
  AddressNotAllowed: entry(
    'slow',
    (d: { host: string; kind: string }) =>
      `The host name of ${d.host}, which the connection's spec.hostAPI gives, leads to ${d.kind}, where the operator does not connect. Correct spec.hostAPI or the name service, or have an administrator list the address in --allowed-hosts.`,
  ),
  TLSMaterialInvalid: entry(
    'backoff',
    (d: { field: string; kind: string; name: string; key: string; rule: string }) =>
      `The connection's ${d.field} names key ${d.key} of ${d.kind} ${d.name}, which ${d.rule}. Put right what the key holds.`,
  ),
  ClientCertificateRefused: entry(
    'backoff',
    (d: { host: string; cause: string }) =>
      `${d.host} wants a certificate of its clients (${d.cause}). Check spec.clientCertificate of the connection, and whom the server trusts.`,
  ),
  ProxyRefused: entry(
    'backoff',
    (d: { host: string; cause: string }) =>
      `The proxy between the operator and ${d.host} did not let the request through (${d.cause}). Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the operator, and what the proxy allows.`,
  ),
  ServerUnreachable: entry(
    'backoff',
    (d: { host: string; cause: string }) =>
      `${d.host} could not be reached (${d.cause}). Check spec.hostAPI of the connection, and the network and name service between this cluster and the server.`,
  ),
  CertificateUntrusted: entry(
    'backoff',
    (d: { host: string; cause: string }) =>
      `The certificate of ${d.host} is not trusted (${d.cause}). Check spec.caBundle of the connection, and that the certificate is for the host name in spec.hostAPI, or for spec.tlsServerName.`,
  ),
  NoAnswer: entry(
    'backoff',
    (d: { host: string; request: string }) =>
      `${d.host} did not answer the request to ${d.request} in time, or broke the connection off. It is tried again.`,
  ),
  UnexpectedAnswer: entry(
    'backoff',
    (d: { host: string; status: number; problem: string }) =>
      `${d.host} answered with status ${d.status} and ${d.problem}, which no Infisical API does. Check that spec.hostAPI of the connection is the address of the API and that no proxy answers in its place.`,
  ),
  ServerFailed: entry(
    'backoff',
    (d: { host: string; status: number; request: string }) =>
      `${d.host} failed with status ${d.status} when asked to ${d.request}. It is tried again; the server's own log tells the cause (${d.request === 'log in' ? 'some servers answer so to what they do not take: check spec.auth of the connection' : 'often the database or cloud behind the dynamic secret'}).`,
  ),
  CircuitOpen: entry(
    'backoff',
    (d: { host: string; cause: string }) =>
      `${d.host} does not answer (${d.cause}), so requests to it are held back. It is asked every few seconds whether it answers again, and used as soon as it does; if this lasts, check spec.hostAPI of the connection, the server, and the network and name service between it and this cluster.`,
  ),
  RateLimited: entry(
    'backoff',
    (d: { host: string }) =>
      `${d.host} limits the rate of requests. It is tried again when the server allows it; if this lasts, raise the limit of the server or spread the leases.`,
  ),

  // What the server says of the request
  TargetNotFound: entry(
    'slow',
    (d: TargetName & { declared?: true }) =>
      `The server knows no ${target(d)}. Check ${d.declared === true ? 'spec.projectSlug, spec.environmentSlug and spec.path' : 'spec.dynamicSecret: projectSlug, environmentSlug, path and name'}.`,
  ),
  PermissionDenied: entry(
    'slow',
    (d: TargetName & { request: string }) =>
      `The connection's identity may not ${d.request} for ${target(d)}. Give its role the "lease" permission on dynamic secrets there.`,
  ),
  TTLTooLong: entry(
    'slow',
    (d: TargetName & { ttl: string }) =>
      `spec.ttl (${d.ttl}) is longer than the maximum TTL of ${target(d)}. Shorten spec.ttl or raise the maximum.`,
  ),
  LeaseLimitReached: entry(
    'slow',
    (d: TargetName) =>
      `The server's limit of leases for ${target(d)} is reached. Revoke leases that are not needed or raise the limit.`,
  ),
  PlanRestricted: entry(
    'slow',
    (d: { host: string }) =>
      `The licence of ${d.host} does not include dynamic secrets. It is tried again until it does; nothing has to be changed here.`,
  ),
  RequestRefused: entry(
    'slow',
    (d: TargetName & { status: number; request: string }) =>
      `The server refused to ${d.request} for ${target(d)} with status ${d.status}. Check spec.dynamicSecret, spec.ttl against the maximum TTL, spec.config, and the provider behind the dynamic secret.`,
  ),

  // The dynamic secret that an object declares
  DynamicSecretOwned: entry(
    'slow',
    (d: TargetName) =>
      `The server has ${target(d)} already, and the entry leaseholder-object of its metadata says that it is another object's, so it is left as it is. Choose another spec.name; or, where that object is gone, remove the entry and set spec.adoption to Adopt.`,
  ),
  DynamicSecretElsewhere: entry(
    'change',
    (d: { host: string; other: string }) =>
      `spec.connectionRef leads to ${d.host}, and the dynamic secret of this object is, or may be, at ${d.other}. Set spec.connectionRef back to a connection to that server; for ${d.host} make another DynamicSecret.`,
  ),
  DynamicSecretLost: entry(
    'backoff',
    (d: TargetName) =>
      `The server has no ${target(d)} any more, though nobody deleted this object. It is created again.`,
  ),
  RemovalFailed: entry(
    'backoff',
    (d: TargetName) =>
      `The server could not remove ${target(d)}, or revoke the leases that live there. It is tried again; check the provider behind it. With the annotation leaseholder.dev/force-delete: "true" on this object it is removed without its leases being revoked, and their credentials may then survive at the provider.`,
  ),

  // What the server says of a dynamic secret that is declared
  FolderNotFound: entry(
    'slow',
    (d: Omit<TargetName, 'dynamicSecret'>) =>
      `The server knows no folder ${d.path} in environment ${d.environmentSlug} of project ${d.projectSlug}. Check spec.projectSlug, spec.environmentSlug and spec.path, or create the folder on the server.`,
  ),
  ManagePermissionDenied: entry(
    'slow',
    (d: DeclaredName & { action: keyof typeof permissions }) =>
      `The connection's identity may not ${d.action} ${declared(d)}. Give its role the "${permissions[d.action].today}" permission on dynamic secrets there; a server of 2024 asks for "${permissions[d.action].of2024}" on secrets instead.`,
  ),
  DynamicSecretExists: entry('slow', (d: TargetName & { renaming?: true }) =>
    d.renaming === true
      ? `Another ${target(d)} exists, so this one cannot take its name. Choose another spec.name, or remove the other from the server.`
      : `The ${target(d)} exists, and this object has not made it, so it is left as it is. Choose another spec.name, remove it from the server, or set spec.adoption to Adopt to take it over.`,
  ),
  ProviderUnreachable: entry(
    'slow',
    (d: TargetName) =>
      `The server could not connect to the provider of ${target(d)}. Check in spec.provider.inputs the address and the login (of a database: host, port, database, username, ca), the Secrets that spec.inputsFrom names (such as for password), and that the provider can be reached from where the server runs.`,
  ),
  ProviderHostRefused: entry(
    'slow',
    (d: TargetName) =>
      `The server does not connect to what spec.provider.inputs.host names for ${target(d)}: it refuses addresses that are local to it, and its own database. Name the provider as it is reached from where the server runs.`,
  ),
  DynamicSecretInvalid: entry(
    'slow',
    (d: DeclaredName & { fields: readonly string[] }) =>
      `The server does not take ${d.fields.length === 0 ? 'what spec says' : d.fields.join(', ')} for ${declared(d)}. Correct it in spec, or, where spec.inputsFrom gives it, in the Secret that it names.`,
  ),
  DynamicSecretRefused: entry(
    'slow',
    (d: DeclaredName & { status: number; action: keyof typeof permissions }) =>
      `The server refused with status ${d.status} to ${d.action} ${declared(d)}. Check spec.provider.type and spec.provider.inputs, what spec.inputsFrom gives, spec.usernameTemplate and spec.metadata, and the server's own log.`,
  ),

  // The Secret
  SecretConflict: entry(
    'slow',
    (d: { secret: string }) =>
      `Secret ${d.secret} exists and does not belong to this object, so it is left as it is. Delete it or choose another spec.secret.name.`,
  ),
  SecretRefused: entry(
    'slow',
    (d: { secret: string; status: number; reason: string }) =>
      `The Kubernetes API refused to write Secret ${d.secret} with status ${d.status} (${d.reason}). Check quotas, admission policies and the operator's rights in this namespace.`,
  ),
  SecretInvalid: entry(
    'rare',
    (d: { secret: string; problem: string }) =>
      `The credentials cannot become Secret ${d.secret}: ${d.problem}. Mend the dynamic secret. Each try costs a lease, which is revoked: the next one comes when spec changes, else after minutes at first and an hour at last.`,
  ),
  SecretNotWritten: entry(
    'backoff',
    (d: { secret: string }) =>
      `Secret ${d.secret} could not be written in time because the Kubernetes API did not answer. It is tried again.`,
  ),
  KubernetesUnavailable: entry(
    'backoff',
    (d: { request: string }) => `The Kubernetes API failed when asked to ${d.request}. It is tried again.`,
  ),
  Contended: entry(
    'slow',
    (d: { secret: string }) =>
      `Secret ${d.secret} keeps being deleted or changed by somebody else, so it is replaced only now and then. Find out who does, with the audit log of the API server.`,
  ),

  // The end of a lease
  RevocationFailed: entry(
    'backoff',
    (d: TargetName) =>
      `The server could not revoke a lease of ${target(d)}. It is tried again until spec.revocation.timeout; the server's own log tells the cause.`,
  ),
  RetiringFull: entry(
    'backoff',
    (d: { most: number }) =>
      `${d.most} replaced leases have not ended yet, which is the most that are kept. A new one waits until one of them ends or is revoked.`,
  ),
  Unaccounted: entry(
    'backoff',
    (d: TargetName) =>
      `Requests for a lease of ${target(d)} got no answer, and the server keeps no tags by which their leases could be found. Another is sent when those leases must have ended.`,
  ),
  LeaseLost: entry(
    'backoff',
    (d: TargetName) =>
      `The lease of ${target(d)} ended on the server before its time. A new one is requested.`,
  ),
  Internal: entry(
    'backoff',
    () => 'The operator met a fault of its own. Its log has the details; please report it.',
  ),
} as const;

/** The closed set of fault codes. They appear as condition reasons and metric labels. */
export type FaultCode = keyof typeof table;

export const faultCodes = Object.keys(table) as readonly FaultCode[];

type Details<Code extends FaultCode> = Parameters<(typeof table)[Code]['sentence']>[0];

/** One fault, ready to be shown. */
export interface Fault {
  readonly code: FaultCode;
  readonly retry: RetryClass;
  /** The sentence for the user. */
  readonly message: string;
  /** The server's own wish: not again before this many milliseconds. */
  readonly retryAfter?: number;
}

/**
 * Makes a fault of the table.
 *
 * @param details what the sentence names; its type is the code's own.
 * @param retryAfter milliseconds that the server asked us to wait.
 */
export function fault<Code extends FaultCode>(
  code: Code,
  details: Details<Code>,
  retryAfter?: number,
): Fault {
  const row = table[code] as Entry<Details<Code>>;
  const made = { code, retry: row.retry, message: row.sentence(details) };
  return retryAfter === undefined ? made : { ...made, retryAfter };
}

/** How a code is retried. */
export function retryClass(code: FaultCode): RetryClass {
  return table[code].retry;
}

/**
 * A fault on its way up. The `message` is the fault's sentence; a `cause` is kept for debugging in memory and is
 * never printed.
 */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(raised: Fault, options?: ErrorOptions) {
    super(raised.message, options);
    this.fault = raised;
  }
}
