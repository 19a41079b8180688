import { createLeases, leaseNames, leasePath, type LeaseName } from '../world/fleet.ts';
import { each, type LeanClient, type LeanRequest } from '../world/lean-client.ts';
import type { World } from '../world/world.ts';
import type { Sample } from './sample.ts';

/** What the API server takes from a client that does nothing but write. */
export interface Ceiling {
  /** Leases a second: the three writes of a first lease, one after the other. */
  readonly first: number;
  /** The two of a rotation: Secret and status. */
  readonly rotation: number;
  /** The two of a deletion: Secret and finalizer. */
  readonly deletion: number;
  /** Secrets made a second. */
  readonly rawCreates: number;
}

/** Objects that are worked on at a time: as many as the operator has workers. */
const AT_A_TIME = 32;

/**
 * Objects of one measurement: enough for seconds, few enough to be in the same minute as the run. A run with fewer leases, a
 * trial, is spared the most of it.
 */
const OBJECTS = 1000;
const LEAST_OBJECTS = 100;

/**
 * Measures what the API server takes on this machine in these seconds, the lease API running: the very writes of the
 * operator, from a client that decides nothing, reads nothing and leases nothing. What it makes it removes.
 */
export async function measureCeiling(world: World, sample: Sample, leases: number): Promise<Ceiling> {
  const { admin, asOperator } = world;
  const objects = Math.max(LEAST_OBJECTS, Math.min(OBJECTS, leases));
  const names = leaseNames(objects, 1, 'ceiling');
  await createLeases(world, names);
  const rate = async (...writes: readonly Write[]): Promise<number> => {
    const begun = performance.now();
    await each(names, AT_A_TIME, async (name) => {
      for (const write of writes) await asOperator.send(write(name, sample));
    });
    return (objects * 1000) / (performance.now() - begun);
  };
  const first = await rate(announce, createSecret, reportStatus);
  const rotation = await rate(changeSecret, reportStatus);
  // The finalizer's going lets an object go only that is being deleted.
  await removeAll(admin, names);
  const deletion = await rate(deleteSecret, release);
  const rawCreates = await rate(createSecret);
  await each(names, AT_A_TIME, (name) => admin.send(deleteSecret(name)));
  return { first, rotation, deletion, rawCreates };
}

/** The middle of two measurements around a run. */
export function between(before: Ceiling, after: Ceiling): Ceiling {
  const mean = (key: keyof Ceiling): number => (before[key] + after[key]) / 2;
  return {
    first: mean('first'),
    rotation: mean('rotation'),
    deletion: mean('deletion'),
    rawCreates: mean('rawCreates'),
  };
}

type Write = (name: LeaseName, sample: Sample) => LeanRequest;

const MERGE = 'application/merge-patch+json';
const MANAGER = 'fieldManager=leaseholder';

const announce: Write = (name, { announcement }) => ({
  method: 'PATCH',
  path: `${leasePath(name)}?${MANAGER}`,
  contentType: MERGE,
  body: announcement,
});

const createSecret: Write = ({ namespace, name }, { secret }) => ({
  method: 'POST',
  path: `/api/v1/namespaces/${namespace}/secrets?${MANAGER}`,
  body: { apiVersion: 'v1', kind: 'Secret', ...secret, metadata: { ...secret.metadata, name } },
});

const changeSecret: Write = (name, { secret }) => ({
  method: 'PATCH',
  path: `${secretPath(name)}?${MANAGER}`,
  contentType: 'application/json-patch+json',
  body: [
    { op: 'add', path: '/metadata/annotations/bench', value: 'rotated' },
    { op: 'add', path: '/data', value: { ...secret.data, NEW: 'bmV3' } },
  ],
});

const reportStatus: Write = (name, { status }) => ({
  method: 'PATCH',
  path: `${leasePath(name)}/status?${MANAGER}`,
  contentType: MERGE,
  body: { status: { ...status, rotateAt: new Date().toISOString() } },
});

const release: Write = (name) => ({
  method: 'PATCH',
  path: `${leasePath(name)}?${MANAGER}`,
  contentType: MERGE,
  body: { metadata: { finalizers: null } },
});

function deleteSecret(name: LeaseName): LeanRequest {
  return { method: 'DELETE', path: secretPath(name) };
}

function secretPath({ namespace, name }: LeaseName): string {
  return `/api/v1/namespaces/${namespace}/secrets/${name}`;
}

async function removeAll(client: LeanClient, names: readonly LeaseName[]): Promise<void> {
  await each(names, AT_A_TIME, (name) => client.send({ method: 'DELETE', path: leasePath(name) }));
}
