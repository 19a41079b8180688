import { randomPassword } from './credentials.ts';
import type { Credential, CredentialRequest, Provider } from './provider.ts';

/**
 * A provider without a system behind it. Like some real ones it never looks at the end of a lease, so a TTL that is
 * no TTL makes a principal here before the server notices.
 */
export class InMemoryProvider implements Provider {
  readonly #principals = new Set<string>();

  async check(): Promise<void> {}

  async create({ username }: CredentialRequest): Promise<Credential> {
    this.#principals.add(username);
    return { externalEntityId: username, data: { DB_USERNAME: username, DB_PASSWORD: randomPassword() } };
  }

  async renew(): Promise<void> {}

  async revoke(externalEntityId: string): Promise<void> {
    this.#principals.delete(externalEntityId);
  }

  async principals(): Promise<readonly string[]> {
    return [...this.#principals];
  }

  async close(): Promise<void> {}
}
