import type { ApiServer } from '../../unit/reconcile/support/api-server.ts';
import { attempt } from '../acts.ts';
import type { ObservedLeaseServer } from '../ledger.ts';
import type { Random } from '../random.ts';
import { declaredNames as names, namespaces } from '../tenants.ts';
import type { Asker, DeclaredServer } from './server.ts';
import { type Drawing, drawSpec, INPUT_CANARY } from './specs.ts';
import { declarationsOf } from './view.ts';

/** What tenants act on who declare dynamic secrets. */
export interface DeclaredLand extends Drawing {
  readonly kube: ApiServer;
  readonly leases: ObservedLeaseServer;
  readonly server: DeclaredServer;
  /** Makes something happen later. */
  readonly later: (delay: number, act: () => void) => void;
  /** Somebody else who has access to the server. */
  readonly stranger: Asker;
}

/** The names of the lease objects that refer to declarations. */
export const leaseNames = ['orders-app', 'mail-app', 'audit-app'] as const;

/** What the tenants have declared at the beginning. */
export function settleDeclared(land: DeclaredLand): void {
  for (const namespace of namespaces) {
    source(land, namespace);
    for (const name of names) if (land.random.chance(0.5)) declare(land, `${namespace}/${name}`);
    for (const name of leaseNames) if (land.random.chance(0.5)) lease(land, `${namespace}/${name}`);
  }
}

/** Makes whole what was broken: sources are there, what leases refer to is there, and nothing keeps what is to go. */
export function amendDeclared(land: DeclaredLand): void {
  const { kube } = land;
  for (const namespace of namespaces) source(land, namespace);
  const declared = new Map(declarationsOf(kube).map((one) => [one.key, one]));
  for (const { metadata, spec } of kube.list('leases')) {
    const name = refIn(spec);
    if (name === undefined || metadata.deletionTimestamp !== undefined) continue;
    const key = `${metadata.namespace}/${name}`;
    if (declared.get(key)?.deletedAt !== undefined)
      attempt(() => kube.delete('leases', `${metadata.namespace}/${metadata.name}`));
    else declare(land, key);
  }
}

export function refIn(spec: unknown): string | undefined {
  const ref = (spec as { dynamicSecretRef?: { name?: string } } | undefined)?.dynamicSecretRef;
  return ref?.name;
}

/** The Secret with the password of the provider's administrator. */
export function source({ kube, random }: DeclaredLand, namespace: string): void {
  if (kube.find('secrets', `${namespace}/admin`) !== undefined) return;
  kube.create('secrets', { metadata: { name: 'admin', namespace }, type: 'Opaque', data: password(random) });
}

export function password(random: Random): { readonly password: string } {
  return { password: Buffer.from(`${INPUT_CANARY}${String(random.below(1e6))}`).toString('base64') };
}

export function declare(land: DeclaredLand, key: string): void {
  if (land.kube.find('dynamicSecrets', key) !== undefined) return;
  const [namespace = '', name = ''] = key.split('/');
  land.kube.create('dynamicSecrets', {
    metadata: { name, namespace },
    spec: drawSpec(land, namespace, name),
  });
}

export function lease({ kube, random }: DeclaredLand, key: string): void {
  if (kube.find('leases', key) !== undefined) return;
  const [namespace = '', name = ''] = key.split('/');
  const revocation = {
    onDelete: random.chance(0.85) ? 'Revoke' : 'Expire',
    ...(random.chance(0.4) ? { onRotation: random.pick(['Revoke', 'Expire']) } : {}),
  };
  const spec = {
    dynamicSecretRef: { name: random.pick(names) },
    ttl: random.pick(['5m', '20m', '1h']),
    revocation,
  };
  kube.create('leases', { metadata: { name, namespace }, spec });
}
