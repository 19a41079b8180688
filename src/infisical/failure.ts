/**
 * Why an exchange with the server broke off, in closed words. What a library or a server says is never passed on: an
 * HTTP parser quotes the bytes that it stumbled over, and those can be a credential.
 */
export interface FailureCause {
  readonly kind: 'unreachable' | 'untrusted';
  /** A few words for the fault's sentence. */
  readonly words: string;
}

/** The deadline passed. */
export const outOfTime: FailureCause = { kind: 'unreachable', words: 'no connection in time' };

const untrusted: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'certificate expired',
  CERT_NOT_YET_VALID: 'certificate not yet valid',
  CERT_REVOKED: 'certificate revoked',
  CERT_UNTRUSTED: 'unknown issuer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate for another host name',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown issuer',
};

const unreachable: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'name service did not answer',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection broken off',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'host name not found',
  EPIPE: 'connection broken off',
  EPROTO: 'no TLS on this port',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CLOSED: 'connection closed by the operator',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_DESTROYED: 'connection closed by the operator',
  UND_ERR_INVALID_ARG: 'the access token is no valid header',
  UND_ERR_SOCKET: 'connection broken off',
};

/** The cause of what undici raised, by the error's code alone. */
export function causeOf(error: unknown): FailureCause {
  const code = codeOf(error);
  const distrust = untrusted[code];
  if (distrust !== undefined) return { kind: 'untrusted', words: distrust };
  if (code.startsWith('ERR_SSL_')) return { kind: 'unreachable', words: 'no TLS on this port' };
  return { kind: 'unreachable', words: unreachable[code] ?? 'network error' };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : '';
}
