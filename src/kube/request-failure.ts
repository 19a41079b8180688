import type { Deadline } from './deadline.ts';
import { KubeError, type FailureReason } from './kube-error.ts';

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const timeoutCodes = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/**
 * Makes a {@link KubeError} of whatever kept an answer from arriving. Only the system's code goes into it.
 *
 * @param late what it means that the deadline has passed.
 */
export function requestFailure(
  request: string,
  error: unknown,
  limit: Deadline,
  late: FailureReason = 'Timeout',
): KubeError {
  if (error instanceof KubeError) return error;
  if (limit.stopped !== undefined) {
    return new KubeError(request, { reason: limit.stopped === 'deadline' ? late : 'Aborted' });
  }
  const code = codeOf(error);
  return new KubeError(request, { reason: reasonOf(code), code });
}

function reasonOf(code: string | undefined): FailureReason {
  if (code === undefined) return 'NoAnswer';
  if (connectionCodes.has(code)) return 'Unreachable';
  return timeoutCodes.has(code) ? 'Timeout' : 'NoAnswer';
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[A-Z0-9_]+$/.test(error.code) ? error.code : undefined;
}
