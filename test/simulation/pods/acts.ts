import { ADOPT_ANNOTATION } from '../../../src/api/names.ts';
import type { RestartTarget } from '../../../src/api/restart.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { type Act, attempt, drawAct } from '../acts.ts';
import type { Random } from '../random.ts';
import { objectsOf, type ObjectState } from '../view.ts';
import type { Row } from './fleet.ts';
import type { PodLand } from './land.ts';

function onObject(act: (land: PodLand, object: ObjectState) => string | undefined) {
  return (land: PodLand): string | undefined => {
    const objects = objectsOf(land.kube);
    const object = objects[land.random.below(objects.length)];
    return object === undefined ? undefined : (act(land, object) ?? object.lease.key);
  };
}

function edit(make: (random: Random, lease: LeaseRecord) => object) {
  return onObject(({ kube, random }, { lease }) => {
    const spec = make(random, lease);
    kube.mergePatch('leases', lease.key, { spec });
    return `${lease.key}: ${JSON.stringify(spec)}`;
  });
}

function onWorkload(act: (land: PodLand, row: Row) => void) {
  return (land: PodLand): string | undefined => {
    const rows = [...land.fleet.rows.values()];
    const row = rows[land.random.below(rows.length)];
    if (row === undefined) return undefined;
    act(land, row);
    return `${row.kind} ${row.namespace}/${row.name}`;
  };
}

const templates = {
  DB_PASSWORD: '{{ DB_PASSWORD }}',
  URL: 'postgres://{{ DB_USERNAME | url_encode }}:{{ DB_PASSWORD | url_encode }}@db/orders',
};

interface Shape {
  readonly data: Readonly<Record<string, string | null>> | null;
  readonly include: readonly string[] | null;
}

/** All of them hold the password by its own name. */
const shapes: readonly [Shape, ...Shape[]] = [
  { data: null, include: null },
  { data: templates, include: null },
  { data: { ...templates, URL: '{{ DB_USERNAME }}' }, include: null },
  { data: null, include: ['DB_PASSWORD'] },
  { data: { DB_PASSWORD: null, URL: templates.URL }, include: ['DB_PASSWORD', 'DB_USERNAME'] },
];

const kinds = ['Deployment', 'StatefulSet'] as const;

function drawTargets(random: Random): readonly RestartTarget[] {
  const one = (): RestartTarget => {
    const kind = random.pick(kinds);
    return random.chance(0.7)
      ? { kind, name: random.pick(['app', 'worker']) }
      : { kind, selector: { matchLabels: { uses: 'database' } } };
  };
  return Array.from({ length: random.pick([1, 1, 2]) }, one);
}

const acts: readonly Act<PodLand>[] = [
  {
    name: 'has workloads restarted',
    weight: 8,
    mischief: false,
    act: edit((random) => ({
      restart: random.chance(0.2) ? null : drawTargets(random),
      revocation: { onRotation: random.pick(['Revoke', 'Revoke', 'Expire']) },
    })),
  },
  {
    name: 'gives the Secret another shape',
    weight: 5,
    mischief: false,
    act: edit((random) => ({ secret: random.pick(shapes) })),
  },
  {
    name: 'gives the Secret another name',
    weight: 4,
    mischief: false,
    act: edit((random, { name }) => ({
      secret: { name: random.pick([name, `${name}-new`, 'shared']) },
    })),
  },
  {
    name: 'says what becomes of the Secret',
    weight: 2,
    mischief: false,
    act: edit((random) => ({ secret: { deletionPolicy: random.pick(['Delete', 'Retain']) } })),
  },
  {
    name: 'offers a Secret',
    weight: 3,
    mischief: false,
    act: onObject(({ kube, random, edited }, { lease, secretKey }) => {
      const [namespace = '', name = ''] = secretKey.split('/');
      attempt(() => kube.delete('secrets', secretKey));
      const annotations = { [ADOPT_ANNOTATION]: random.chance(0.8) ? lease.name : 'somebody' };
      const metadata = { name, namespace, annotations };
      kube.create('secrets', { metadata, type: 'Opaque', data: { own: 'b3du' } });
      edited(secretKey);
      kube.mergePatch('leases', lease.key, {
        spec: { secret: { adoption: random.chance(0.8) ? 'Adopt' : 'Refuse' } },
      });
      return secretKey;
    }),
  },
  {
    name: 'pauses a workload for a while',
    weight: 3,
    mischief: false,
    act: onWorkload(({ fleet, random, later }, row) => {
      if (row.paused) return;
      fleet.pause(row, true);
      later(random.between(10_000, 900_000), () => row.paused && fleet.pause(row, false));
    }),
  },
  {
    name: 'removes a workload for a while',
    weight: 2,
    mischief: false,
    act: onWorkload(({ fleet, random, later }, row) => {
      const { kind, namespace, name } = row;
      fleet.remove(row);
      later(random.between(0, 600_000), () => fleet.make(kind, namespace, name));
    }),
  },
  {
    name: 'changes a workload',
    weight: 3,
    mischief: false,
    act: onWorkload(({ fleet }, row) => fleet.change(row)),
  },
  {
    name: 'mends a workload',
    weight: 2,
    mischief: false,
    act: onWorkload(({ fleet }, row) => fleet.mend(row)),
  },
];

/** One act of some tenant. @returns what he did. */
export function actOnPods(land: PodLand): string | undefined {
  return drawAct(acts, land, 0);
}
