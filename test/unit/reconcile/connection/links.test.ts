import { describe, expect, test } from 'vitest';

import { fault, FaultError } from '../../../../src/errors.ts';
import type { Link } from '../../../../src/reconcile/connection/link.ts';
import { links, type Links, type OpenLink } from '../../../../src/reconcile/connection/links.ts';
import type { ConnectionRecord } from '../../../../src/reconcile/ports.ts';
import { aConnection, anIdentity, NOW } from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';
import { leaseClient } from '../support/lease-client.ts';
import { LeaseServer } from '../support/lease-server.ts';
import { Wire } from '../support/wire.ts';

const EU = 'https://eu.example.com';
const US = 'https://us.example.com';

function spec(host: string): ConnectionRecord['spec'] {
  return aConnection('any', { hostAPI: `${host}/api` }).spec;
}

function connection(name: string, overrides: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return { ...aConnection(name, { hostAPI: `${EU}/api` }), ...overrides };
}

interface Stage {
  readonly all: Links;
  /** The connections that exist; links are made for those that are used. */
  exist: readonly ConnectionRecord[];
  leases: boolean;
  /** The links that are open, as "name/generation". */
  readonly open: readonly string[];
}

function stage(...exist: readonly ConnectionRecord[]): Stage {
  const opened: { readonly label: string; closed: boolean }[] = [];
  const server = new LeaseServer(virtualClock());
  const open: OpenLink = ({ name, generation }, identity) => {
    const entry = { label: `${name}/${String(generation)}`, closed: false };
    opened.push(entry);
    return {
      identity,
      client: leaseClient(server, new Wire()),
      state: () => ({ state: 'untried' }),
      ready: () => Promise.resolve({ state: 'usable' }),
      recheck: () => Promise.resolve(true),
      close() {
        entry.closed = true;
        return Promise.resolve();
      },
    };
  };
  const made: Stage = {
    exist,
    leases: true,
    all: links(open, {
      connections: (namespace) => made.exist.filter((one) => one.namespace === namespace),
      hasUsers: () => made.leases,
    }),
    get open() {
      return opened.filter(({ closed }) => !closed).map(({ label }) => label);
    },
  };
  return made;
}

function linkOf({ all }: Stage, one: ConnectionRecord): Link {
  const found = all.of(one);
  if (!found.ok) throw new Error(found.fault.message);
  return found.link;
}

const infisical = connection('infisical');

describe('the link of a connection', () => {
  test('is one and the same while its spec does', () => {
    const world = stage();
    const first = linkOf(world, infisical);
    expect(linkOf(world, { ...infisical, resourceVersion: '2', status: { observedGeneration: 1 } })).toBe(
      first,
    );
    expect(first.identity).toEqual(anIdentity({ uid: 'uid of infisical', host: EU }));
    expect(world.open).toEqual(['infisical/1']);
  });

  test.each<[string, Partial<ConnectionRecord>, readonly string[]]>([
    ['of another spec', { generation: 2, spec: spec(`${EU}/`) }, ['infisical/2']],
    ['made anew under the same name', { uid: 'another', generation: 7 }, ['infisical/7']],
  ])('%s is another, and the one before is closed', (_what, change, open) => {
    const world = stage();
    const before = linkOf(world, infisical);
    expect(linkOf(world, { ...infisical, ...change })).not.toBe(before);
    expect(world.open).toEqual(open);
  });

  test('stays when the connection is being deleted, though that is another generation', () => {
    const world = stage();
    const first = linkOf(world, infisical);
    const leaving = { ...infisical, generation: 2, deletedAt: NOW };
    expect(linkOf(world, leaving)).toBe(first);
    expect(linkOf(world, leaving)).toBe(first);
    expect(world.open).toEqual(['infisical/1']);
  });

  test('is a fault where the spec is one', () => {
    const why = fault('ConnectionInvalid', { field: 'spec.auth', rule: 'must name exactly one method' });
    const world = stage();
    expect(world.all.of(connection('infisical', { spec: { valid: false, fault: why } }))).toEqual({
      ok: false,
      fault: why,
    });
  });

  test('is a fault where it cannot be opened, and what is no fault goes on up', () => {
    const why = fault('ConnectionInvalid', { field: 'spec.caBundle', rule: 'cannot be read' });
    const within = { connections: () => [], hasUsers: () => false };
    const faulty = links(() => {
      throw new FaultError(why);
    }, within);
    expect(faulty.of(infisical)).toEqual({ ok: false, fault: why });
    const broken = links(() => {
      throw new TypeError('a defect');
    }, within);
    expect(() => broken.of(infisical)).toThrow(TypeError);
  });
});

describe('the link towards a server', () => {
  const identity = anIdentity({ uid: 'uid of infisical', host: EU });
  const other = connection('other');

  test.each<[string, readonly ConnectionRecord[], string | undefined]>([
    ["is the lease's own connection", [other, infisical], 'infisical'],
    ['is another of the namespace to the same server', [other], 'other'],
    ['is none to another server', [connection('other', { spec: spec(US) })], undefined],
    [
      'is none of its own connection, once that leads elsewhere',
      [{ ...infisical, spec: spec(US) }],
      undefined,
    ],
    ['is none of another namespace', [connection('infisical', { namespace: 'elsewhere' })], undefined],
    ['is none where there are no connections', [], undefined],
  ])('%s', (_what, exist, name) => {
    expect(stage(...exist).all.towards('shop', identity)?.identity.name).toBe(name);
  });

  test('is that of a connection that is gone, while the namespace has leases', () => {
    const world = stage(infisical);
    const link = linkOf(world, infisical);
    world.exist = [];
    world.all.drop(infisical.key);
    expect(world.all.towards('shop', identity)).toBe(link);
    expect(world.all.towards('elsewhere', identity)).toBeUndefined();
    world.all.release('shop');
    expect(world.open).toEqual(['infisical/1']);
    world.leases = false;
    world.all.release('elsewhere');
    expect(world.open).toEqual(['infisical/1']);
    world.all.release('shop');
    expect(world.open).toEqual([]);
    expect(world.all.towards('shop', identity)).toBeUndefined();
  });

  test('is that of a connection that leads elsewhere now, while the namespace has leases', () => {
    const world = stage(infisical);
    const link = linkOf(world, infisical);
    const moved = { ...infisical, generation: 2, spec: spec(US) };
    world.exist = [moved];
    linkOf(world, moved);
    expect(world.all.towards('shop', identity)).toBe(link);
    expect(world.open).toEqual(['infisical/1', 'infisical/2']);
  });

  test('is that of a connection that is gone and that nobody has dropped yet', () => {
    const world = stage(infisical);
    const link = linkOf(world, infisical);
    world.exist = [];
    expect(world.all.towards('shop', identity)).toBe(link);
    expect(world.all.towards('elsewhere', identity)).toBeUndefined();
  });

  test('is that of a connection whose spec can no longer be read', () => {
    const world = stage(infisical);
    const link = linkOf(world, infisical);
    const why = fault('ConnectionInvalid', { field: 'spec.auth', rule: 'must name exactly one method' });
    world.exist = [{ ...infisical, generation: 2, spec: { valid: false, fault: why } }];
    expect(world.all.towards('shop', identity)).toBe(link);
  });

  test('is closed with its connection where no lease may need it', () => {
    const world = stage(infisical);
    linkOf(world, infisical);
    world.exist = [];
    world.leases = false;
    world.all.drop(infisical.key);
    expect(world.open).toEqual([]);
  });
});

describe('the link towards the server of a cluster connection', () => {
  const shared = connection('infisical', {
    kind: 'ClusterInfisicalConnection',
    key: 'infisical',
    namespace: '',
    uid: 'uid of the shared one',
  });
  const kind = 'ClusterInfisicalConnection';
  const identity = anIdentity({ kind, uid: shared.uid, host: EU });

  test.each<[string, readonly ConnectionRecord[], string | undefined]>([
    ['is that connection, whatever it grants by now', [infisical, shared], shared.uid],
    ['is one of its name that has taken its place', [{ ...shared, uid: 'another' }], 'another'],
    ['is one of the namespace, where it is gone', [infisical], infisical.uid],
    ['is no other cluster connection', [{ ...shared, name: 'other', key: 'other', uid: 'other' }], undefined],
    ['is none to another server', [{ ...shared, spec: spec(US) }], undefined],
  ])('%s', (_what, exist, uid) => {
    expect(stage(...exist).all.towards('shop', identity)?.identity.uid).toBe(uid);
  });

  test('is never used for what was leased through a connection of a namespace', () => {
    const own = anIdentity({ uid: infisical.uid, host: EU });
    expect(stage(shared).all.towards('shop', own)).toBeUndefined();
  });

  test('is one and the same for every namespace, and whatever it grants', () => {
    const world = stage(shared);
    const link = linkOf(world, shared);
    expect(linkOf(world, { ...shared, generation: 2, grants: [{ namespaces: ['shop'] }] })).toBe(link);
    expect(world.all.towards('shop', identity)).toBe(link);
    expect(world.all.towards('elsewhere', identity)).toBe(link);
  });

  test('stays in memory until the last lease of the cluster is gone', () => {
    const world = stage(shared);
    linkOf(world, shared);
    world.exist = [];
    world.all.drop(shared.key);
    expect(world.all.towards('shop', identity)?.identity.uid).toBe(shared.uid);
    world.all.release('shop');
    expect(world.open).toEqual(['infisical/1']);
    world.leases = false;
    world.all.release('shop');
    expect(world.open).toEqual([]);
  });
});

test('closing closes every link, of former connections too', async () => {
  const other = connection('other', { spec: spec(US) });
  const world = stage(infisical, other);
  linkOf(world, infisical);
  linkOf(world, other);
  world.all.drop(infisical.key);
  expect(world.open).toEqual(['infisical/1', 'other/1']);
  await world.all.close();
  expect(world.open).toEqual([]);
  world.all.drop('shop/unknown');
});
