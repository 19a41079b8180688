import type { DeclaredLeaseSpec, LeaseSpec } from '../../src/api/dynamic-secret-lease.ts';
import type { Target } from '../../src/api/lease.ts';
import { MANAGED_LABEL, RECORD_ANNOTATION, ROTATE_ANNOTATION } from '../../src/api/names.ts';
import { HOST } from '../support/builders.ts';
import type { ApiServer } from '../unit/reconcile/support/api-server.ts';
import { type Act, attempt, drawAct } from './acts.ts';
import type { ObservedLeaseServer } from './ledger.ts';
import { refOf } from './declared/view.ts';
import type { Random } from './random.ts';
import { isSuspended, type ObjectState, objectsOf } from './view.ts';

/** What tenants act on. */
export interface Land {
  readonly random: Random;
  readonly kube: ApiServer;
  readonly leases: ObservedLeaseServer;
  /** A tenant has changed what a Secret says: what it holds is his business until the operator writes it again. */
  readonly edited: (secretKey: string) => void;
  /** Makes something happen later. */
  readonly later: (delay: number, act: () => void) => void;
}

export const namespaces = ['shop', 'team'] as const;
const names = ['orders-db', 'mail-db'] as const;

/** The names of the objects that declare dynamic secrets. */
export const declaredNames = ['orders', 'mail', 'audit'] as const;

const targets = ['orders-postgres', 'mail-postgres'] as const;
const ttls = ['1m', '3m', '5m', '10m', '20m', '1h'] as const;

/** What the tenants' namespaces hold at the beginning. */
export function settleIn(land: Land): void {
  for (const namespace of namespaces) connect(land, namespace);
  for (const namespace of namespaces)
    for (const name of names) if (land.random.chance(0.6)) create(land, `${namespace}/${name}`);
}

/** Makes whole what tenants broke: connections are there, nobody's Secret stands in the way. */
export function makeAmends(land: Land): void {
  const { kube } = land;
  for (const namespace of namespaces) connect(land, namespace);
  for (const { lease } of objectsOf(kube)) if (isSuspended(lease)) suspend(land, lease.key, false);
  for (const { secretKey, atName, secret } of objectsOf(kube)) {
    const isNobodys = atName !== undefined && atName.metadata.ownerReferences === undefined;
    if (isNobodys && secret === undefined) attempt(() => kube.delete('secrets', secretKey));
  }
}

function suspend({ kube }: Land, key: string, suspended: boolean): void {
  attempt(() => kube.mergePatch('leases', key, { spec: { suspend: suspended } }));
}

function connect({ kube }: Land, namespace: string): void {
  if (kube.find('connections', `${namespace}/infisical`) !== undefined) return;
  kube.create('connections', {
    metadata: { name: 'infisical', namespace },
    spec: { hostAPI: `${HOST}/api`, auth: { token: { secretKeyRef: { name: 'identity', key: 'token' } } } },
  });
}

function create({ kube, random }: Land, key: string): void {
  if (kube.find('leases', key) !== undefined) return;
  const [namespace = '', name = ''] = key.split('/');
  kube.create('leases', { metadata: { name, namespace }, spec: drawSpec(random) });
}

function drawSpec(random: Random): LeaseSpec {
  return {
    connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
    dynamicSecret: drawTarget(random),
    ttl: random.pick(ttls),
    revocation: {
      onDelete: random.chance(0.85) ? 'Revoke' : 'Expire',
      ...(random.chance(0.3) ? { timeout: random.pick(['1m', '5m']) } : {}),
      ...(random.chance(0.4) ? { onRotation: random.pick(['Revoke', 'Expire']) } : {}),
      ...(random.chance(0.3) ? { gracePeriod: random.pick(['1s', '3m', '10m']) } : {}),
    },
    ...(random.chance(0.2) ? { rotation: { strategy: 'Renew' } } : {}),
    ...(random.chance(0.1) ? { secret: { name: 'shared' } } : {}),
  };
}

function drawTarget(random: Random): LeaseSpec['dynamicSecret'] {
  return { name: random.pick(targets), projectSlug: 'shop', environmentSlug: 'prod', path: '/' };
}

/** The same of an object that refers to a DynamicSecret. */
function drawRef(random: Random): Pick<DeclaredLeaseSpec, 'dynamicSecretRef'> {
  return { dynamicSecretRef: { name: random.pick(declaredNames) } };
}

/** The same as the lease API names it. */
function drawLeased(random: Random): Target {
  const { name: dynamicSecret, ...rest } = drawTarget(random);
  return { ...rest, dynamicSecret };
}

function pickObject({ random, kube }: Land): ObjectState | undefined {
  const objects = objectsOf(kube);
  return objects[random.below(objects.length)];
}

function onObject(act: (land: Land, object: ObjectState) => string): Act<Land>['act'] {
  return (land) => {
    const object = pickObject(land);
    return object === undefined ? undefined : act(land, object);
  };
}

function onSecret(act: (land: Land, object: ObjectState) => string): Act<Land>['act'] {
  return (land) => {
    const object = pickObject(land);
    if (object?.secret === undefined) return undefined;
    land.edited(object.secretKey);
    return act(land, object);
  };
}

const acts: readonly Act<Land>[] = [
  {
    name: 'creates',
    weight: 6,
    mischief: false,
    act(land) {
      const key = `${land.random.pick(namespaces)}/${land.random.pick(names)}`;
      create(land, key);
      return key;
    },
  },
  {
    name: 'deletes',
    weight: 3,
    mischief: false,
    act: onObject((land, { lease }) => {
      land.kube.delete('leases', lease.key);
      return lease.key;
    }),
  },
  {
    name: 'deletes and makes anew',
    weight: 2,
    mischief: false,
    act: onObject((land, { lease }) => {
      land.kube.delete('leases', lease.key);
      land.later(land.random.between(0, 20_000), () => attempt(() => create(land, lease.key)));
      return lease.key;
    }),
  },
  {
    name: 'changes the ttl',
    weight: 2,
    mischief: false,
    act: onObject(({ kube, random }, { lease }) => {
      kube.mergePatch('leases', lease.key, { spec: { ttl: random.pick(ttls) } });
      return lease.key;
    }),
  },
  {
    name: 'changes the target',
    weight: 3,
    mischief: false,
    act: onObject(({ kube, random }, { lease }) => {
      const spec = refOf(lease) === undefined ? { dynamicSecret: drawTarget(random) } : drawRef(random);
      kube.mergePatch('leases', lease.key, { spec });
      return lease.key;
    }),
  },
  {
    name: 'suspends for a while',
    weight: 1,
    mischief: false,
    act: onObject((land, { lease }) => {
      suspend(land, lease.key, true);
      land.later(land.random.between(1000, 1_200_000), () => suspend(land, lease.key, false));
      return lease.key;
    }),
  },
  {
    name: 'asks for another lease',
    weight: 2,
    mischief: false,
    act: onObject(({ kube, random }, { lease }) => {
      const annotations = { [ROTATE_ANNOTATION]: random.pick(['now', 'again']) };
      kube.mergePatch('leases', lease.key, { metadata: { annotations } });
      return lease.key;
    }),
  },
  {
    name: 'changes what a rotation does',
    weight: 1,
    mischief: false,
    act: onObject(({ kube, random }, { lease }) => {
      const revocation = { onRotation: random.pick(['Revoke', 'Expire']) };
      const rotation = { strategy: random.pick(['Renew', 'ReLease']) };
      kube.mergePatch('leases', lease.key, { spec: { revocation, rotation } });
      return lease.key;
    }),
  },
  {
    name: 'changes labels',
    weight: 2,
    mischief: false,
    act: onObject(({ kube, random }, { lease }) => {
      const labels = { one: String(random.below(3)), two: random.chance(0.5) ? 'x' : null };
      kube.mergePatch('leases', lease.key, { spec: { secret: { labels } } });
      return lease.key;
    }),
  },
  {
    name: 'changes what a deletion does',
    weight: 1,
    mischief: false,
    act: onObject(({ kube, random }, { lease }) => {
      const onDelete = random.pick(['Revoke', 'Expire']);
      kube.mergePatch('leases', lease.key, { spec: { revocation: { onDelete } } });
      return lease.key;
    }),
  },
  {
    name: 'deletes a Secret',
    weight: 2,
    mischief: false,
    act: onSecret(({ kube }, { secretKey }) => {
      kube.delete('secrets', secretKey);
      return secretKey;
    }),
  },
  {
    name: 'puts a Secret of his own in the way',
    weight: 1,
    mischief: false,
    act: onObject(({ kube, edited }, { secretKey, atName }) => {
      if (atName !== undefined) return 'nothing';
      const [namespace = '', name = ''] = secretKey.split('/');
      kube.create('secrets', { metadata: { name, namespace }, type: 'Opaque', data: { own: 'b3du' } });
      edited(secretKey);
      return secretKey;
    }),
  },
  {
    name: 'replaces a Secret by one of his own',
    weight: 2,
    mischief: false,
    act: onSecret(({ kube }, { secretKey }) => {
      const [namespace = '', name = ''] = secretKey.split('/');
      kube.delete('secrets', secretKey);
      kube.create('secrets', { metadata: { name, namespace }, type: 'Opaque', data: { own: 'b3du' } });
      return secretKey;
    }),
  },
  {
    name: 'deletes a connection for a while',
    weight: 1,
    mischief: false,
    act(land) {
      const namespace = land.random.pick(namespaces);
      attempt(() => land.kube.delete('connections', `${namespace}/infisical`));
      land.later(land.random.between(0, 300_000), () => connect(land, namespace));
      return namespace;
    },
  },
  {
    name: 'empties a namespace',
    weight: 0.5,
    mischief: false,
    act(land) {
      const namespace = land.random.pick(namespaces);
      const within = (['connections', 'secrets', 'leases'] as const).flatMap((kind) =>
        land.kube
          .list(kind)
          .filter(({ metadata }) => metadata.namespace === namespace)
          .map((one) => ({ kind, one })),
      );
      for (const { kind, one } of within) {
        const key = `${namespace}/${one.metadata.name}`;
        if (kind === 'secrets') land.edited(key);
        land.later(land.random.between(0, 5000), () => attempt(() => land.kube.delete(kind, key)));
      }
      land.later(land.random.between(60_000, 600_000), () => connect(land, namespace));
      return namespace;
    },
  },
  {
    name: 'has garbage collected',
    weight: 2,
    mischief: false,
    act(land) {
      land.kube.collectGarbage();
      return 'everywhere';
    },
  },
  {
    name: 'edits the data of a Secret',
    weight: 2,
    mischief: true,
    act: onSecret(({ kube }, { secretKey }) => {
      kube.mergePatch('secrets', secretKey, { data: { DB_PASSWORD: 'bWluZQ==' } });
      return secretKey;
    }),
  },
  {
    name: 'takes labels from a Secret',
    weight: 2,
    mischief: true,
    act: onSecret(({ kube }, { secretKey }) => {
      kube.mergePatch('secrets', secretKey, { metadata: { labels: { [MANAGED_LABEL]: null } } });
      return secretKey;
    }),
  },
  {
    name: 'takes the record from a Secret',
    weight: 2,
    mischief: true,
    act: onSecret(({ kube }, { secretKey }) => {
      kube.mergePatch('secrets', secretKey, { metadata: { annotations: { [RECORD_ANNOTATION]: null } } });
      return secretKey;
    }),
  },
  { name: 'forges a record', weight: 4, mischief: true, act: onSecret(forge) },
  {
    name: 'revokes a lease elsewhere',
    weight: 2,
    mischief: true,
    act({ leases, random }) {
      const live = leases.rows.filter(({ lease }) =>
        [...leases.livingNow()].some(({ id }) => id === lease.id),
      );
      const row = live[random.below(live.length)];
      if (row === undefined) return undefined;
      attempt(() => leases.revoke(row.lease.id, row.target));
      return row.lease.id;
    },
  },
  {
    name: 'leases for himself',
    weight: 1,
    mischief: false,
    act: ({ leases, random }) => leases.seed(drawLeased(random)).id,
  },
  {
    // Objects of a cloned cluster have the uids of those that they were cloned from.
    name: 'leases in a clone of the cluster',
    weight: 1,
    mischief: false,
    act: onObject(({ leases, random }, { lease }) => {
      const tag = { install: 'another-installation', object: lease.uid, attempt: random.uuid() };
      return leases.seed(drawLeased(random), leases.tags === 'kept' ? tag : undefined).id;
    }),
  },
];

/** A record that names another's lease, in words that look right. */
function forge({ kube, leases, random }: Land, { secretKey, record }: ObjectState): string {
  const living = new Set([...leases.livingNow()].map(({ id }) => id));
  const rows = leases.rows.filter(({ lease }) => living.has(lease.id) || random.chance(0.2));
  const row = rows[random.below(rows.length)];
  if (record === undefined || row === undefined) return 'nothing';
  const other = { ...record.lease, id: row.lease.id, expireAt: row.lease.expireAt };
  const words = random.chance(0.5)
    ? { ...record, lease: other }
    : { ...record, previous: [...record.previous, other].slice(-4) };
  const annotations = { [RECORD_ANNOTATION]: JSON.stringify(words) };
  kube.mergePatch('secrets', secretKey, { metadata: { annotations } });
  return `${secretKey}: ${row.lease.id}`;
}

/** One act of some tenant. @returns what he did. */
export function actOnce(land: Land, mischief: number): string | undefined {
  return drawAct(acts, land, mischief);
}
