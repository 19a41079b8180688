import { fault } from '../errors.ts';
import type { ConnectedLeaseClient } from '../infisical/client.ts';
import { RequestError } from '../infisical/request-error.ts';

/**
 * The same client, which makes and lengthens no lease without the lead. Revocations stay: whoever loses the lead gives back what it
 * has in hand, and a lease is revoked but once.
 *
 * @param mayWrite whether this process leads. Default: always.
 */
export function whileLeading(
  client: ConnectedLeaseClient,
  mayWrite: () => boolean = () => true,
): ConnectedLeaseClient {
  const insist = (): void => {
    if (!mayWrite()) throw notLeading();
  };
  return {
    ...client,
    async createLease(request) {
      insist();
      // A login or a wait may lie between here and the request.
      const beforeSending = (): void => {
        insist();
        request.beforeSending?.();
      };
      return client.createLease({ ...request, beforeSending });
    },
    async renewLease(id, target, ttl, neededBy) {
      insist();
      return client.renewLease(id, target, ttl, neededBy);
    },
  };
}

/** The server was not asked, so there is nothing to settle. */
function notLeading(): RequestError {
  const raised = fault('KubernetesUnavailable', { request: 'renew the lead of this process' });
  return new RequestError({ fault: raised, fate: 'refused' });
}
