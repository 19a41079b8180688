import { KubeError } from '../../../../src/kube/kube-error.ts';

/** No answer within the deadline. */
export const timeout = new KubeError('ask', { reason: 'Timeout' });

/** A server that failed: the write may have been done. */
export const broken = new KubeError('ask', { status: 500, reason: 'InternalError' });

/** A quota, an admission policy, missing rights. */
export const forbidden = new KubeError('ask', { status: 403, reason: 'Forbidden' });

/** The server asks for patience; nothing was done. */
export function busy(retryAfter?: number): KubeError {
  return new KubeError('ask', { status: 429, reason: 'TooManyRequests', retryAfter });
}

export const conflict = new KubeError('ask', { status: 409, reason: 'Conflict' });
