import { connectionYaml, leaseName, leaseYaml, place } from '../objects.ts';
import type { Scene } from '../scene.ts';
import type { Credentials } from '../shop.ts';
import { parseInstant } from '../../../src/instant.ts';
import { checkAdmitted, readLease, showSecret, tellOperator } from './common.ts';

/** The first lease, as the rest of the story looks back at it. */
export interface FirstLease {
  readonly credentials: Credentials;
  /** Milliseconds since 1970. */
  readonly expireAt: number;
}

/** Gives the operator an identity to log in with. */
export async function connect({ narrator, check, terminal, api }: Scene): Promise<void> {
  const { projectSlug } = place;
  const identity = await api.seedIdentity({
    name: 'leaseholder',
    grants: [{ projectSlug, actions: ['lease'] }],
  });
  narrator.conceal(identity.clientSecret);
  narrator.say('A machine identity of the lease API, which may lease in the project shop and nothing else.');
  await terminal.apply(connectionYaml(api.url, identity));
  await terminal.kubectl('wait', '--for=condition=Ready', 'infisicalconnection/infisical', '--timeout=30s');
  await terminal.kubectl('get', 'infisicalconnections');
  check('the lease API counts one login', (await api.counts()).counts['login'], { anonymous: 1 });
}

/** Asks for a lease and uses it. */
export async function lease(scene: Scene): Promise<FirstLease> {
  const { check, terminal, shop, api } = scene;
  await terminal.apply(leaseYaml);
  await terminal.kubectl('wait', '--for=condition=Ready', `dsl/${leaseName}`, '--timeout=30s');
  await terminal.kubectl('get', 'dsl');
  tellOperator(scene);
  const { status } = await readLease(scene);
  const credentials = await showSecret(scene);
  check('the status names the same user', status.lease?.externalEntityId, credentials.username);
  check('PostgreSQL has this user and no other', await shop.users(), [credentials.username]);
  await checkAdmitted(scene, 'it', credentials);
  check('the lease API has one lease', (await api.live()).leases.length, 1);
  const expireAt = parseInstant(status.lease?.expireAt);
  check('the status says when it ends', expireAt !== undefined, true);
  return { credentials, expireAt: expireAt ?? 0 };
}
