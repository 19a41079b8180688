import { fault } from '../errors.ts';
import type { ConnectedLeaseClient } from '../infisical/client.ts';
import type { SendOptions } from '../infisical/dynamic-secrets.ts';
import { RequestError } from '../infisical/request-error.ts';

/**
 * The same client, which makes and lengthens no lease and touches no dynamic secret without the lead. Revocations stay: whoever
 * loses the lead gives back what it has in hand, and a lease is revoked but once.
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
  /** A login or a wait may lie between the call and its request. */
  const insisting = ({ beforeSending }: SendOptions = {}): Required<SendOptions> => ({
    beforeSending: () => {
      insist();
      beforeSending?.();
    },
  });
  return {
    ...client,
    async createLease(request) {
      insist();
      return client.createLease({ ...request, ...insisting(request) });
    },
    async renewLease(id, target, ttl, neededBy) {
      insist();
      return client.renewLease(id, target, ttl, neededBy);
    },
    async createDynamicSecret(target, declared, sending) {
      insist();
      return client.createDynamicSecret(target, declared, insisting(sending));
    },
    async updateDynamicSecret(target, change, sending) {
      insist();
      return client.updateDynamicSecret(target, change, insisting(sending));
    },
    async deleteDynamicSecret(target, { forced, ...sending }) {
      insist();
      return client.deleteDynamicSecret(target, { forced, ...insisting(sending) });
    },
  };
}

/** The server was not asked, so there is nothing to settle. */
function notLeading(): RequestError {
  const raised = fault('KubernetesUnavailable', { request: 'renew the lead of this process' });
  return new RequestError({ fault: raised, fate: 'refused' });
}
