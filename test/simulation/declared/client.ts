import type { DynamicSecretClient } from '../../../src/infisical/dynamic-secrets.ts';
import type { Requests } from '../../unit/reconcile/support/wire.ts';
import type { Asker, DeclaredServer } from './server.ts';

/** The calls about dynamic secrets, upon a {@link DeclaredServer}. */
export function declaredCalls(server: DeclaredServer, wire: Requests, asker: Asker): DynamicSecretClient {
  return {
    async createDynamicSecret(target, declared, { beforeSending } = {}) {
      beforeSending?.();
      return wire.call('CREATE dynamic secret', () => server.create(target, declared, asker));
    },
    async updateDynamicSecret(target, change, { beforeSending } = {}) {
      beforeSending?.();
      return wire.call('UPDATE dynamic secret', () => server.update(target, change, asker));
    },
    async deleteDynamicSecret(target, { forced, beforeSending }) {
      beforeSending?.();
      return wire.call('DELETE dynamic secret', () => server.remove(target, forced, asker));
    },
    listDynamicSecrets: (folder) => wire.call('LIST dynamic secrets', () => server.list(folder)),
  };
}
