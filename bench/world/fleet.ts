import { z } from 'zod';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import { each, type LeanClient } from './lean-client.ts';
import { API, leaseObject, namespaceObjects } from './objects.ts';
import type { World } from './world.ts';

/** An object that is not there yet, and the collection that it goes to. */
export interface NewObject {
  readonly path: string;
  readonly body: object;
}

/** A lease of the bench, by name. */
export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** Requests that the bench sends at a time, where nothing is measured. */
const AT_A_TIME = 16;

/** Names for so many leases, spread evenly over so many namespaces. */
export function leaseNames(leases: number, namespaces: number, prefix = 'lease'): readonly LeaseName[] {
  return Array.from({ length: leases }, (_, index) => ({
    namespace: namespaceName(index % namespaces),
    name: `${prefix}-${String(index)}`,
  }));
}

export function namespaceName(index: number): string {
  return `bench-${String(index)}`;
}

export function leasePath({ namespace, name }: LeaseName): string {
  return `${API}/namespaces/${namespace}/dynamicsecretleases/${name}`;
}

export async function createAll(client: LeanClient, objects: Iterable<NewObject>): Promise<void> {
  await each(objects, AT_A_TIME, (object) => client.send({ method: 'POST', ...object }));
}

/** Makes namespaces with a connection each. */
export async function furnish(
  { admin, api, login }: World,
  namespaces: number,
  url = api.url,
): Promise<void> {
  for (let index = 0; index < namespaces; index += 1)
    for (const object of namespaceObjects(namespaceName(index), url, login))
      await admin.send({ method: 'POST', ...object });
}

export async function createLeases(
  { admin }: World,
  names: readonly LeaseName[],
  spec: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const objects = names.map(({ namespace, name }) => ({
    path: `${API}/namespaces/${namespace}/dynamicsecretleases`,
    body: leaseObject(name, spec),
  }));
  await createAll(admin, objects);
}

/** Deletes leases, and waits for nothing. */
export async function deleteLeases({ admin }: World, names: readonly LeaseName[]): Promise<void> {
  await each(names, AT_A_TIME, (lease) => admin.send({ method: 'DELETE', path: leasePath(lease) }));
}

const page = z.object({
  metadata: z.object({ continue: z.string().default('') }),
  items: z.array(
    z.object({
      metadata: z.object({ uid: z.string() }),
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        lease: z.object({ id: z.string() }).optional(),
      }),
    }),
  ),
});

/** What the bench asks of a lease's status. */
export interface SeenLease {
  readonly ready: boolean;
  readonly leaseId: string | undefined;
}

/** All leases of the cluster, as their status has them. */
export async function listLeases({ admin }: World): Promise<readonly SeenLease[]> {
  const found: SeenLease[] = [];
  let next = '';
  do {
    const path = `${API}/dynamicsecretleases?limit=500&continue=${encodeURIComponent(next)}`;
    const { metadata, items } = page.parse(await admin.read({ method: 'GET', path }));
    for (const { status } of items) {
      const ready = status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');
      found.push({ ready, leaseId: status.lease?.id });
    }
    next = metadata.continue;
  } while (next !== '');
  return found;
}

/** How long leases are waited for, in milliseconds: so much, and so much more for each. */
const PATIENCE = 60_000;
const PATIENCE_EACH = 60;

export interface Awaited {
  /** What there must be: so many leases, all as the probe wants them. */
  readonly leases: number;
  readonly probe?: (lease: SeenLease) => boolean;
  /** Requests for leases that the lease API must have seen before a look is worth its price. */
  readonly made?: number;
}

/**
 * Waits until all leases are as they should be. The lease API is asked first, because that costs the API server nothing:
 * who measures must not take much of what is measured.
 */
export async function untilAll(
  world: World,
  { leases, probe = ({ ready }) => ready, made = 0 }: Awaited,
): Promise<void> {
  const timeoutMs = PATIENCE + PATIENCE_EACH * leases;
  await awaitCondition(
    async () => {
      const { counts } = await world.api.control.counts();
      const asked = Object.values(counts['lease-create'] ?? {}).reduce((sum, one) => sum + one, 0);
      if (asked < made) return false;
      const all = await listLeases(world);
      return all.length === leases && all.every((lease) => probe(lease));
    },
    { what: `${String(leases)} leases`, timeoutMs, intervalMs: 200 },
  );
}
