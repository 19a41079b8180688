import type { Target } from '../../../../src/api/lease.ts';
import { fault, FaultError } from '../../../../src/errors.ts';
import type { ConnectedLeaseClient } from '../../../../src/infisical/client.ts';
import { RequestError } from '../../../../src/infisical/request-error.ts';
import type { SessionState } from '../../../../src/infisical/session.ts';
import { echoed, type TagSupport } from '../../../../src/infisical/tag-support.ts';
import { HOST } from '../../../support/builders.ts';
import type { LeaseServer } from './lease-server.ts';
import type { Requests } from './wire.ts';

/** A client upon a {@link LeaseServer}, with a session that logs in once. */
export function leaseClient(
  server: LeaseServer,
  wire: Requests,
  onSessionChange: () => void = () => undefined,
): ConnectedLeaseClient & { readonly closed: boolean } {
  const tags = new Map<string, TagSupport>();
  let time: number | undefined;
  let state: SessionState = { kind: 'none' };
  let closed = false;
  const now = (): number | undefined => (time === undefined ? undefined : server.now());
  return {
    host: server.host,
    get closed() {
      return closed;
    },
    session: {
      async token() {
        if (state.kind === 'loggedIn') return 'token';
        try {
          await wire.call('LOGIN', () => undefined);
          state = { kind: 'loggedIn', at: now() };
          onSessionChange();
          return 'token';
        } catch (error) {
          if (error instanceof FaultError) state = { kind: 'failed', at: now(), fault: error.fault };
          onSessionChange();
          throw error;
        }
      },
      state: () => state,
      reset: () => void (state = { kind: 'none' }),
    },
    async createLease(request) {
      server.whileWaiting.shift()?.();
      request.beforeSending?.();
      const issued = await wire.call('CREATE lease', () => server.create(request));
      tags.set(nameOf(request.target), echoed(request.tag, issued.lease.tag) ? 'kept' : 'dropped');
      return issued;
    },
    getLease: (id, target) => wire.call('GET lease', () => server.get(id, target)),
    listLeases: (target) => wire.call('LIST leases', () => server.list(target)),
    renewLease: (id, target, ttl) => wire.call('RENEW lease', () => server.renew(id, target, ttl)),
    revokeLease: (id, target) => wire.call('REVOKE lease', () => server.revoke(id, target)),
    async createDynamicSecret(target, declared, sending) {
      server.whileWaiting.shift()?.();
      sending?.beforeSending?.();
      return wire.call('CREATE dynamic secret', () => server.declared.create(target, declared));
    },
    async updateDynamicSecret(target, change, sending) {
      server.whileWaiting.shift()?.();
      sending?.beforeSending?.();
      return wire.call('UPDATE dynamic secret', () => server.updateDeclared(target, change));
    },
    async deleteDynamicSecret(target, { forced, beforeSending }) {
      server.whileWaiting.shift()?.();
      beforeSending?.();
      return wire.call('DELETE dynamic secret', () => server.removeDeclared(target, forced));
    },
    listDynamicSecrets: (folder) => wire.call('LIST dynamic secrets', () => server.declared.list(folder)),
    tagSupport: (target) => tags.get(nameOf(target)) ?? 'unknown',
    now,
    async synchronise() {
      if (time === undefined) time = await wire.call('TIME', () => server.now());
    },
    outage: () => undefined,
    recheck: () => Promise.resolve(false),
    verify: () => wire.call('VERIFY', () => undefined),
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

function nameOf(target: Target): string {
  return JSON.stringify(target);
}

/** What the client throws when nobody knows what the server did. */
export function unanswered(request: string, { tagged = true } = {}): RequestError {
  return new RequestError({ fault: fault('NoAnswer', { host: HOST, request }), fate: 'unknown' }, { tagged });
}

/** What the client throws when the server surely did nothing, and would not if asked again. */
export function denied(request: string, target: Target): RequestError {
  const raised = fault('PermissionDenied', { ...target, request });
  return new RequestError({ fault: raised, fate: 'refused', status: 403 });
}

/** What the client throws when the server failed with a 500. */
export function failed(request: string): RequestError {
  const raised = fault('ServerFailed', { host: HOST, status: 500, request });
  return new RequestError({ fault: raised, fate: 'unknown', status: 500 }, { tagged: true });
}

/** What the client throws for a refusal that does not say what is missing. */
export function badRequest(request: string, target: Target): RequestError {
  const raised = fault('RequestRefused', { ...target, status: 400, request });
  return new RequestError({ fault: raised, fate: 'refused', status: 400 });
}

/** What the client throws when the folder or the dynamic secret is not known. */
export function targetUnknown(target: Target): RequestError {
  const raised = fault('TargetNotFound', target);
  return new RequestError({ fault: raised, fate: 'refused', status: 404, notFound: 'target' });
}

/** What the client throws when the server limits the rate. */
export function limited(retryAfter: number): RequestError {
  return new RequestError({
    fault: fault('RateLimited', { host: HOST }, retryAfter),
    fate: 'refused',
    status: 429,
  });
}
