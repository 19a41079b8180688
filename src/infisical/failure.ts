import { type Fault, FaultError } from '../errors.ts';

/**
 * Why an exchange with the server broke off, in closed words. What a library or a server says is never passed on: an
 * HTTP parser quotes the bytes that it stumbled over, and those can be a credential.
 */
export type FailureCause =
  | {
      readonly kind: 'unreachable' | 'untrusted' | 'clientUntrusted' | 'proxyRefused';
      /** A few words for the fault's sentence. */
      readonly words: string;
      /** It says nothing of the server, only of how, or with what, this connection asks. */
      readonly own?: true;
    }
  /** Refused on this side, before anything was sent: by the rules of the operator, or for want of what TLS needs. */
  | { readonly kind: 'fault'; readonly fault: Fault; readonly own: true };

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

/** Codes that tell of this connection's own settings or end: another connection to the same server may do well. */
const own: ReadonlySet<string> = new Set([
  'EPROTO',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INVALID_ARG',
]);

/** What a server says, in an alert of TLS, of a client that shows no certificate or one that it does not take. */
const clientUntrusted: Readonly<Record<string, string>> = {
  ACCESS_DENIED: 'access is denied to it',
  BAD_CERTIFICATE: 'it cannot be read or verified there',
  CERTIFICATE_EXPIRED: 'it has expired',
  CERTIFICATE_REQUIRED: 'none was shown',
  CERTIFICATE_REVOKED: 'it is revoked',
  CERTIFICATE_UNKNOWN: 'it is not accepted',
  UNKNOWN_CA: 'its issuer is unknown there',
  UNSUPPORTED_CERTIFICATE: 'it is of a kind that is not taken there',
};

/** A tunnel that could not be made. Only where there is a proxy. */
const proxyRefused: Readonly<Record<string, string>> = {
  UND_ERR_ABORTED: 'it refused the tunnel',
  UND_ERR_PRX_CONN: 'it broke the connection off',
  UND_ERR_PRX_TLS: 'its own certificate is for another host name',
};

/** The cause of what undici raised, by the error's code alone. */
export function causeOf(error: unknown): FailureCause {
  if (error instanceof FaultError) return { kind: 'fault', fault: error.fault, own: true };
  const code = codeOf(error);
  const ofClient = clientUntrusted[/^ERR_SSL_.*_ALERT_([A-Z_]+)$/.exec(code)?.[1] ?? ''];
  if (ofClient !== undefined) return { kind: 'clientUntrusted', words: ofClient, own: true };
  const ofProxy = proxyRefused[code];
  if (ofProxy !== undefined) return { kind: 'proxyRefused', words: ofProxy, own: true };
  const distrust = untrusted[code];
  if (distrust !== undefined) return { kind: 'untrusted', words: distrust };
  return code.startsWith('ERR_SSL_') ? failedTls(code) : unreachableBy(code);
}

function failedTls(code: string): FailureCause {
  const words = /_ALERT_/.test(code) ? 'TLS refused by the server' : 'no TLS on this port';
  return { kind: 'unreachable', words, own: true };
}

function unreachableBy(code: string): FailureCause {
  const words = unreachable[code] ?? 'network error';
  return { kind: 'unreachable', words, ...(own.has(code) ? { own: true } : {}) };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : '';
}
