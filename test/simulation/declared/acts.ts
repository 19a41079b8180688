import type { Target } from '../../../src/api/lease.ts';
import { FORCE_DELETE_ANNOTATION } from '../../../src/api/names.ts';
import type { DynamicSecretChange } from '../../../src/infisical/dynamic-secrets.ts';
import type { DynamicSecretRecord } from '../../../src/reconcile/ports.ts';
import { attempt, type Act, drawAct } from '../acts.ts';
import { declaredNames as names, namespaces } from '../tenants.ts';
import type { DeclaredRow } from './row.ts';
import { drawName, folder, SHARED, ttls } from './specs.ts';
import { declarationsOf } from './view.ts';
import { type DeclaredLand, declare, lease, leaseNames, password, refIn, source } from './settling.ts';

function onDeclaration(act: (land: DeclaredLand, one: DynamicSecretRecord) => string | undefined) {
  return (land: DeclaredLand): string | undefined => {
    const all = declarationsOf(land.kube);
    const one = all[land.random.below(all.length)];
    return one === undefined ? undefined : (act(land, one) ?? one.key);
  };
}

function edit(make: (land: DeclaredLand, one: DynamicSecretRecord) => object) {
  return onDeclaration((land, one) => {
    const spec = make(land, one);
    land.kube.mergePatch('dynamicSecrets', one.key, { spec });
    return `${one.key}: ${JSON.stringify(spec)}`;
  });
}

/** One of the server's, of those that are there. */
function onRow(act: (land: DeclaredLand, row: DeclaredRow, target: Target) => string | undefined) {
  return (land: DeclaredLand): string | undefined => {
    const rows = land.server.rows.filter(({ removed }) => removed === undefined);
    const row = rows[land.random.below(rows.length)];
    if (row === undefined) return undefined;
    return act(land, row, { ...row.target, dynamicSecret: row.shown.name }) ?? row.shown.name;
  };
}

const acts: readonly Act<DeclaredLand>[] = [
  {
    name: 'declares',
    weight: 6,
    mischief: false,
    act(land) {
      const key = `${land.random.pick(namespaces)}/${land.random.pick(names)}`;
      declare(land, key);
      return key;
    },
  },
  {
    name: 'leases what is declared',
    weight: 5,
    mischief: false,
    act(land) {
      const key = `${land.random.pick(namespaces)}/${land.random.pick(leaseNames)}`;
      lease(land, key);
      return key;
    },
  },
  {
    name: 'changes the TTLs',
    weight: 4,
    mischief: false,
    act: edit(({ random }) => ({
      defaultTTL: random.pick(ttls),
      maxTTL: random.chance(0.5) ? null : random.pick(['4h', '1d']),
    })),
  },
  {
    name: 'changes inputs',
    weight: 3,
    mischief: false,
    act: edit(({ random }) => ({
      provider: {
        inputs: {
          host: random.pick(['db-a.example.com', 'db-b.example.com', 'db-c.example.com']),
          ca: random.chance(0.5) ? null : 'a certificate',
        },
      },
    })),
  },
  {
    name: 'changes metadata and template',
    weight: 3,
    mischief: false,
    act: edit(({ random }) => ({
      metadata: random.chance(0.3) ? null : [{ key: 'team', value: random.pick(['a', 'b', 'c']) }],
      usernameTemplate: random.chance(0.5)
        ? null
        : random.pick(['{{randomUsername}}', 'app_{{unixTimestamp}}']),
    })),
  },
  {
    name: 'renames',
    weight: 4,
    mischief: false,
    act: edit((land, { namespace, name }) => ({ name: drawName(land, namespace, name), adoption: null })),
  },
  {
    name: 'rotates the password of the provider',
    weight: 3,
    mischief: false,
    act({ kube, random }) {
      const key = `${random.pick(namespaces)}/admin`;
      kube.mergePatch('secrets', key, { data: password(random) });
      return key;
    },
  },
  {
    name: 'takes the password of the provider away for a while',
    weight: 1,
    mischief: false,
    act(land) {
      const namespace = land.random.pick(namespaces);
      attempt(() => land.kube.delete('secrets', `${namespace}/admin`));
      land.later(land.random.between(0, 120_000), () => source(land, namespace));
      return namespace;
    },
  },
  {
    name: 'changes what a deletion leaves',
    weight: 1,
    mischief: false,
    act: edit(({ random }) => ({ deletionPolicy: random.chance(0.3) ? 'Retain' : 'Delete' })),
  },
  {
    name: 'has a removal forced',
    weight: 1,
    mischief: false,
    act: onDeclaration(({ kube }, { key }) => {
      kube.mergePatch('dynamicSecrets', key, {
        metadata: { annotations: { [FORCE_DELETE_ANNOTATION]: 'true' } },
      });
      return undefined;
    }),
  },
  {
    name: 'deletes a declaration',
    weight: 4,
    mischief: false,
    act: onDeclaration(({ kube }, { key }) => {
      kube.delete('dynamicSecrets', key);
      return undefined;
    }),
  },
  {
    name: 'deletes a declaration with its leases',
    weight: 3,
    mischief: false,
    act: onDeclaration((land, { key, namespace, name }) => {
      land.kube.delete('dynamicSecrets', key);
      for (const { metadata, spec } of land.kube.list('leases')) {
        if (metadata.namespace !== namespace || refIn(spec) !== name) continue;
        const within = land.random.between(0, 20_000);
        land.later(within, () => attempt(() => land.kube.delete('leases', `${namespace}/${metadata.name}`)));
      }
      return undefined;
    }),
  },
  {
    name: 'deletes a declaration and makes it anew',
    weight: 2,
    mischief: false,
    act: onDeclaration((land, { key }) => {
      land.kube.delete('dynamicSecrets', key);
      land.later(land.random.between(0, 60_000), () => attempt(() => declare(land, key)));
      return undefined;
    }),
  },
  {
    name: 'leases by hand',
    weight: 1,
    mischief: false,
    act: onRow(({ leases }, row, target) => {
      const { id } = leases.seed(target);
      return `${row.shown.name}: ${id}`;
    }),
  },
  {
    name: 'makes one by hand',
    weight: 2,
    mischief: false,
    act(land) {
      const { random, server, stranger } = land;
      const dynamicSecret = random.chance(0.5)
        ? SHARED
        : drawName(land, random.pick(namespaces), random.pick(names));
      const provider = { type: 'sql-database', inputs: { host: 'db-z.example.com' } };
      server.create({ ...folder, dynamicSecret }, { defaultTTL: '3h', provider }, stranger);
      return dynamicSecret;
    },
  },
  {
    name: 'removes one of his own',
    weight: 2,
    mischief: false,
    act: onRow(({ server, stranger }, { owner }, target) => {
      if (owner === undefined) server.remove(target, false, stranger);
      return undefined;
    }),
  },
  {
    name: 'changes one by hand',
    weight: 4,
    mischief: true,
    act: onRow(({ random, server, stranger }, _row, target) => {
      const change = random.pick<DynamicSecretChange>([
        { defaultTTL: '7h' },
        { maxTTL: random.chance(0.5) ? null : '9h' },
        { inputs: { host: 'db-y.example.com' } },
        { metadata: [{ key: 'by', value: 'hand' }] },
        { usernameTemplate: 'hand_{{randomUsername}}' },
      ]);
      server.update(target, change, stranger);
      return `${target.dynamicSecret}: ${JSON.stringify(change)}`;
    }),
  },
  {
    name: 'removes one by hand',
    weight: 2,
    mischief: true,
    act: onRow(({ random, server, stranger }, _row, target) => {
      server.remove(target, random.chance(0.5), stranger);
      return undefined;
    }),
  },
];

/** One act of some tenant. @returns what he did. */
export function declareOnce(land: DeclaredLand, mischief: number): string | undefined {
  return drawAct(acts, land, mischief);
}
