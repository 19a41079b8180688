import { entry } from './entry.ts';

/** Where a connection names an address. */
const fieldOf = ({ field = 'spec.hostAPI' }: { readonly field?: string | undefined }): string => field;

/** What can go wrong on the way to the server. */
export const serverFaults = {
  HostNotAllowed: entry(
    'change',
    (d: { host: string; list: string; field?: string | undefined }) =>
      `The operator does not connect to ${d.host}, which the connection's ${fieldOf(d)} names, because no entry of its --allowed-hosts does. Correct ${fieldOf(d)}, or have an administrator list ${d.list} there.`,
  ),
  AddressNotAllowed: entry(
    'slow',
    (d: { host: string; kind: string; field?: string | undefined }) =>
      `The host name of ${d.host}, which the connection's ${fieldOf(d)} gives, leads to ${d.kind}, where the operator does not connect. Correct ${fieldOf(d)} or the name service, or have an administrator list the address in --allowed-hosts.`,
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
} as const;
