import { parseInstant } from '../../../src/instant.ts';
import { leaseName, leaseYaml } from '../objects.ts';
import type { Scene } from '../scene.ts';
import type { Credentials } from '../shop.ts';
import { checkAdmitted, checkEncoded, readLease, showSecret, tellOperator } from './common.ts';

/** The first lease, as the rest of the story looks back at it. */
export interface FirstLease {
  readonly credentials: Credentials;
  /** Milliseconds since 1970. */
  readonly expireAt: number;
}

/** Asks for a lease and uses it. */
export async function lease(scene: Scene): Promise<FirstLease> {
  const { check, terminal, shop, api } = scene;
  await terminal.apply(leaseYaml(shop));
  await terminal.kubectl('wait', '--for=condition=Ready', `dsl/${leaseName}`, '--timeout=30s');
  await terminal.kubectl('get', 'dsl');
  tellOperator(scene);
  const { status } = await readLease(scene);
  const credentials = await showSecret(scene);
  check('the status names the same user', status.lease?.externalEntityId, credentials.username);
  check('PostgreSQL has this user and no other', await shop.users(), [credentials.username]);
  checkEncoded(scene, credentials);
  await checkAdmitted(scene, 'DATABASE_URL, used as it is,', credentials);
  check('the lease API has one lease', (await api.live()).leases.length, 1);
  const expireAt = parseInstant(status.lease?.expireAt);
  check('the status says when it ends', expireAt !== undefined, true);
  return { credentials, expireAt: expireAt ?? 0 };
}
