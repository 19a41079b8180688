import type { Target } from '../../src/api/lease.ts';
import { fault } from '../../src/errors.ts';
import { RequestError } from '../../src/infisical/request-error.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { HOST } from '../support/builders.ts';
import type { CallName } from '../unit/reconcile/support/wire.ts';
import type { Random } from './random.ts';
import type { Side } from './weather.ts';

// What the clients throw in place of an answer.

const anyTarget: Target = { projectSlug: '', environmentSlug: '', path: '', dynamicSecret: '' };

const managed: ReadonlyMap<CallName, 'create' | 'edit' | 'delete' | 'list'> = new Map([
  ['CREATE dynamic secret', 'create'],
  ['UPDATE dynamic secret', 'edit'],
  ['DELETE dynamic secret', 'delete'],
  ['LIST dynamic secrets', 'list'],
]);

export function unreachable(side: Side): Error {
  if (side === 'kube') return new KubeError('ask', { reason: 'Unreachable' });
  const raised = fault('ServerUnreachable', { host: HOST, cause: 'ECONNREFUSED' });
  return new RequestError({ fault: raised, fate: 'refused' });
}

export function silence(side: Side): Error {
  if (side === 'kube') return new KubeError('ask', { reason: 'Timeout' });
  const raised = fault('NoAnswer', { host: HOST, request: 'ask' });
  return new RequestError({ fault: raised, fate: 'unknown' }, { tagged: true });
}

export function broken(side: Side, name: CallName): Error {
  if (side === 'kube') return new KubeError(name, { status: 500, reason: 'InternalError' });
  const raised = fault('ServerFailed', { host: HOST, status: 500, request: 'ask' });
  return new RequestError({ fault: raised, fate: 'unknown', status: 500 }, { tagged: true });
}

export function busy(side: Side, random: Random): Error {
  const retryAfter = random.chance(0.5) ? undefined : random.between(1, 90) * 1000;
  if (side === 'kube') return new KubeError('ask', { status: 429, reason: 'TooManyRequests', retryAfter });
  return new RequestError({
    fault: fault('RateLimited', { host: HOST }, retryAfter),
    fate: 'refused',
    status: 429,
  });
}

export function denied(side: Side, name: CallName): Error {
  if (side === 'kube') return new KubeError(name, { status: 403, reason: 'Forbidden' });
  const action = managed.get(name);
  const raised =
    action === undefined
      ? fault('PermissionDenied', { ...anyTarget, request: 'ask' })
      : fault('ManagePermissionDenied', { ...anyTarget, action });
  return new RequestError({ fault: raised, fate: 'refused', status: 403 });
}

export function targetUnknown(name: CallName): Error {
  const isAbove = name === 'CREATE dynamic secret' || name === 'LIST dynamic secrets';
  return new RequestError({
    fault: isAbove ? fault('FolderNotFound', anyTarget) : fault('TargetNotFound', anyTarget),
    fate: 'refused',
    status: 404,
    notFound: 'target',
  });
}
