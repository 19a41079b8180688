import type { DynamicSecretSpec } from '../../../../src/api/dynamic-secret.ts';
import type { DeclaredLeaseSpec } from '../../../../src/api/dynamic-secret-lease.ts';
import { DYNAMIC_SECRET_FINALIZER } from '../../../../src/api/names.ts';
import { anIdentity, aReferringSpec } from '../../../support/builders.ts';
import { KEY, TARGET, type World } from './world.ts';

const { dynamicSecret: NAME, ...folder } = TARGET;
const DECLARED = 'shop/orders';
const declared: DynamicSecretSpec = {
  connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
  name: NAME,
  ...folder,
  defaultTTL: '1h',
  provider: { type: 'sql-database', inputs: {} },
};

/** Declares what leases are of by the DynamicSecret `orders`; not on the server yet. */
export function declare(world: World): void {
  const metadata = { name: 'orders', namespace: 'shop', finalizers: [DYNAMIC_SECRET_FINALIZER] };
  world.kube.create('dynamicSecrets', { metadata, spec: declared });
}

/** Its dynamic secret is on the server, by this name and id. */
export function placeAt(world: World, name: string = NAME, id = 'dynamic-secret-id'): void {
  const status = {
    place: { connection: connectionOf(world), ...folder, name },
    dynamicSecret: { id, name, type: 'sql-database' },
  };
  world.kube.mergePatch('dynamicSecrets', DECLARED, { status }, 'status');
}

/** It gets another name on the server, and then says so. */
export function renameTo(world: World, name: string): void {
  world.leases.rename(NAME, name);
  placeAt(world, name);
}

export function deleteDeclared(world: World, { finally: gone = false } = {}): void {
  world.kube.delete('dynamicSecrets', DECLARED);
  if (gone) world.kube.mergePatch('dynamicSecrets', DECLARED, { metadata: { finalizers: null } });
}

/** Applies an object that refers to it. */
export function refer(world: World, spec: Partial<DeclaredLeaseSpec> = {}, key: string = KEY): void {
  const name = key.slice(key.indexOf('/') + 1);
  world.kube.create('leases', { metadata: { name, namespace: 'shop' }, spec: aReferringSpec(spec) });
}

/** A world in which the object has a lease of what the DynamicSecret declares. */
export async function leasedByReference(world: World, spec?: Partial<DeclaredLeaseSpec>): Promise<World> {
  world.connect();
  declare(world);
  placeAt(world);
  refer(world, spec);
  await world.settle(0);
  world.calls();
  return world;
}

function connectionOf({ kube }: World): ReturnType<typeof anIdentity> {
  return anIdentity({ uid: kube.get('connections', 'shop/infisical').metadata.uid });
}
