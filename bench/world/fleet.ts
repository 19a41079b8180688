import { z } from 'zod';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import { ROTATE_ANNOTATION } from '../../src/api/names.ts';
import { each, type LeanClient } from './lean-client.ts';
import { API, foreignSecret, leaseObject, namespaceObjects } from './objects.ts';
import { askedSoFar } from './waiting.ts';
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

/** What goes over the least that a lease's spec needs. */
export type LeaseSpec = Readonly<Record<string, unknown>>;

/** Requests that the bench sends at a time, where nothing is measured. */
const AT_A_TIME = 32;

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
  spec: LeaseSpec | ((index: number) => LeaseSpec) = {},
): Promise<void> {
  const objects = names.map(({ namespace, name }, index) => ({
    path: `${API}/namespaces/${namespace}/dynamicsecretleases`,
    body: leaseObject(name, typeof spec === 'function' ? spec(index) : spec),
  }));
  await createAll(admin, objects);
}

/** Makes Secrets that are none of the operator's, spread evenly over so many namespaces. */
export async function createForeignSecrets(
  { admin }: World,
  count: number,
  namespaces: number,
): Promise<void> {
  const objects = Array.from({ length: count }, (_, index) => ({
    path: `/api/v1/namespaces/${namespaceName(index % namespaces)}/secrets`,
    body: foreignSecret(`foreign-${String(index)}`),
  }));
  await createAll(admin, objects);
}

/** How figures call a lease and its Secret. */
export function objectName({ namespace, name }: LeaseName): string {
  return `${namespace}/${name}`;
}

/** Asks for a new lease now. @returns when, in milliseconds since 1970. */
export async function askForRotation({ admin }: World, lease: LeaseName): Promise<number> {
  const at = Date.now();
  await admin.send({
    method: 'PATCH',
    path: leasePath(lease),
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { [ROTATE_ANNOTATION]: String(at) } } },
  });
  return at;
}

/** Deletes leases, and waits for nothing. */
export async function deleteLeases({ admin }: World, names: readonly LeaseName[]): Promise<void> {
  await each(names, AT_A_TIME, (lease) => admin.send({ method: 'DELETE', path: leasePath(lease) }));
}

const page = z.object({
  metadata: z.object({ continue: z.string().default('') }),
  items: z.array(
    z.object({
      metadata: z.object({ namespace: z.string(), name: z.string() }),
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        lease: z.object({ id: z.string() }).optional(),
      }),
    }),
  ),
});

/** What the bench asks of a lease's status. */
export interface SeenLease extends LeaseName {
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
    for (const { metadata: name, status } of items) {
      const ready = status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');
      found.push({ ...name, ready, leaseId: status.lease?.id });
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
  /** Which are looked at. Default: all. */
  readonly of?: (lease: SeenLease) => boolean;
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
  { leases, of = () => true, probe = ({ ready }) => ready, made = 0 }: Awaited,
): Promise<void> {
  const timeoutMs = PATIENCE + PATIENCE_EACH * leases;
  await awaitCondition(
    async () => {
      if ((await askedSoFar(world)) < made) return false;
      const all = (await listLeases(world)).filter(of);
      return all.length === leases && all.every((lease) => probe(lease));
    },
    { what: `${String(leases)} leases`, timeoutMs, intervalMs: 200 },
  );
}
