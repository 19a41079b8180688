import { describe, expect, test } from 'vitest';

import { parseAsked } from '../../../../src/api/asked.ts';
import { ASKED_ANNOTATION } from '../../../../src/api/names.ts';
import { HOUR, MINUTE } from '../../../support/builders.ts';
import {
  declare,
  deleteDeclared,
  leasedByReference,
  placeAt,
  refer,
  renameTo,
} from '../support/declaring.ts';
import { unanswered } from '../support/lease-client.ts';
import type { Fate } from '../support/wire.ts';
import { INSTALL, KEY, TARGET, World } from '../support/world.ts';

const ID = 'dynamic-secret-id';

function askedNames(world: World): readonly string[] {
  const text = world.kube.get('leases', KEY).metadata.annotations?.[ASKED_ANNOTATION];
  return parseAsked(text).map(({ dynamicSecret }) => dynamicSecret);
}

/** Under which names leases were asked for, the first one first. */
function leasedNames(world: World): readonly string[] {
  return world.leases.rows.map(({ target }) => target.dynamicSecret);
}

describe('a lease of what a DynamicSecret declares', () => {
  test('waits until the dynamic secret is on the server, and says what for', async () => {
    const world = new World();
    world.connect();
    refer(world);
    await world.settle(0);
    expect(world.condition('Ready')).toBe('False DynamicSecretNotFound');
    declare(world);
    await world.settle(0);
    expect(world.condition('Ready')).toBe('False DynamicSecretNotReady');
    expect([world.object?.hasFinalizer, world.leases.rows]).toEqual([false, []]);
    placeAt(world);
    await world.settle(0);
    expect([world.condition('Ready'), world.named]).toEqual(['True LeaseActive', 1]);
    expect(world.record?.lease).toMatchObject({ ...TARGET, dynamicSecretId: ID });
  });

  test('is replaced at once when the dynamic secret is made anew', async () => {
    const world = await leasedByReference(new World());
    world.leases.dynamicSecretId = 'another-id';
    placeAt(world, TARGET.dynamicSecret, 'another-id');
    await world.settle(0);
    expect([world.named, world.record?.lease.dynamicSecretId]).toEqual([2, 'another-id']);
  });

  test('is not replaced for a DynamicSecret that the watch shows late', async () => {
    const world = await leasedByReference(new World(), { ttl: '1h' });
    world.watching = false;
    world.leases.dynamicSecretId = 'another-id';
    placeAt(world, TARGET.dynamicSecret, 'another-id');
    await world.pass(50 * MINUTE);
    expect([world.named, world.record?.lease.dynamicSecretId]).toEqual([2, 'another-id']);
    world.watching = true;
    await world.pass(MINUTE);
    expect([world.named, world.leases.rows.length, world.condition('Ready')]).toEqual([
      2,
      2,
      'True LeaseActive',
    ]);
  });

  test('is not replaced after a restart onto a server that shows the DynamicSecret of yesterday', async () => {
    const world = await leasedByReference(new World(), { ttl: '1h' });
    world.leases.dynamicSecretId = 'another-id';
    placeAt(world, TARGET.dynamicSecret, 'another-id');
    await world.settle(0);
    world.calls();
    placeAt(world, TARGET.dynamicSecret, ID);
    world.restart();
    world.watching = false;
    placeAt(world, TARGET.dynamicSecret, 'another-id');
    await world.settle(0);
    expect([world.named, world.leases.rows.length]).toEqual([2, 2]);
    expect(world.calls()).toEqual(['TIME', 'LOGIN', 'get leases', 'get dynamicSecrets']);
  });

  test('is asked for once where the server has made the dynamic secret anew, and its DynamicSecret does not tell', async () => {
    const world = await leasedByReference(new World(), { ttl: '1h' });
    world.leases.dynamicSecretId = 'another-id';
    await world.pass(50 * MINUTE);
    expect([world.named, world.record?.lease.dynamicSecretId]).toEqual([2, 'another-id']);
    expect(world.leases.rows).toHaveLength(2);
  });
});

describe('a rename', () => {
  test('costs a note of the new name, and no lease', async () => {
    const world = await leasedByReference(new World());
    renameTo(world, 'renamed');
    await world.settle(0);
    expect(world.calls()).toEqual(['patch leases']);
    expect([world.named, world.condition('Ready'), askedNames(world)]).toEqual([
      1,
      'True LeaseActive',
      ['renamed'],
    ]);
    await world.settle(0);
    expect(world.calls()).toEqual([]);
  });

  test('gives the next lease the new name, and the old lease is revoked as any other', async () => {
    const world = await leasedByReference(new World(), {
      ttl: '1h',
      revocation: { onRotation: 'Revoke', gracePeriod: '2m' },
    });
    renameTo(world, 'renamed');
    await world.pass(45 * MINUTE);
    expect([world.named, world.record?.lease.dynamicSecret, world.live]).toEqual([2, 'renamed', [2]]);
  });

  test('between a request and its settling hides no lease', async () => {
    const world = new World();
    world.connect();
    declare(world);
    placeAt(world);
    refer(world);
    const renamed: Fate = (act) => {
      act();
      renameTo(world, 'renamed');
      throw unanswered('create a lease');
    };
    world.next('CREATE lease', renamed);
    await world.settle();
    expect([world.live, world.named, world.unnamed]).toEqual([[2], 2, []]);
    expect(world.counts).toContain('settled: revoked');
    expect(leasedNames(world)).toEqual(['renamed', 'renamed']);
  });

  test('before a restart hides no lease from a deletion', async () => {
    const world = await leasedByReference(new World(), { ttl: '1d' });
    const object = world.object?.uid ?? '';
    world.leases.seed(TARGET, { install: INSTALL, object, attempt: 'lost' });
    renameTo(world, 'renamed');
    world.restart();
    world.delete();
    await world.settle();
    expect([world.object, world.live, world.secret]).toEqual([undefined, [], undefined]);
  });

  test('leaves a revocation that fails to be looked at under the new name', async () => {
    const world = await leasedByReference(new World(), { ttl: '1d' });
    renameTo(world, 'renamed');
    await world.settle(0);
    world.leases.revocation = 'fails';
    world.delete();
    await world.settle(0);
    expect(world.calls().slice(-3)).toEqual(['REVOKE lease', 'LIST leases', 'patch leases/status']);
    expect(world.condition('Reconciling')).toBe('True RevocationFailed');
    world.leases.revocation = 'works';
    await world.settle();
    expect([world.object, world.live]).toEqual([undefined, []]);
  });
});

describe('a DynamicSecret that is being deleted', () => {
  test('is leased from no more, and the lease in the Secret goes on to its end', async () => {
    const world = await leasedByReference(new World(), { ttl: '1h' });
    deleteDeclared(world);
    await world.pass(50 * MINUTE);
    expect([world.condition('Ready'), world.condition('Reconciling')]).toEqual([
      'True LeaseActive',
      'True DynamicSecretDeleted',
    ]);
    await world.pass(20 * MINUTE);
    expect([world.condition('Ready'), world.named]).toEqual(['False DynamicSecretDeleted', 1]);
    expect(world.leases.rows).toHaveLength(1);
  });

  test('has its leases revoked with their objects', async () => {
    const world = await leasedByReference(new World(), { ttl: '1d' });
    deleteDeclared(world);
    world.restart();
    await world.settle(0);
    world.delete();
    await world.settle();
    expect([world.object, world.live]).toEqual([undefined, []]);
  });
});

describe('a DynamicSecret that is gone', () => {
  test('leaves the lease in the Secret, which is not replaced', async () => {
    const world = await leasedByReference(new World(), { ttl: '2h' });
    deleteDeclared(world, { finally: true });
    await world.pass(HOUR + 50 * MINUTE);
    expect([world.condition('Ready'), world.condition('Reconciling'), world.live]).toEqual([
      'True LeaseActive',
      'True DynamicSecretNotFound',
      [1],
    ]);
  });

  test('is needed for no revocation, also after a restart', async () => {
    const world = await leasedByReference(new World(), { ttl: '1d' });
    const object = world.object?.uid ?? '';
    world.leases.seed(TARGET, { install: INSTALL, object, attempt: 'lost' });
    deleteDeclared(world, { finally: true });
    world.restart();
    world.delete();
    await world.settle();
    expect([world.object, world.live]).toEqual([undefined, []]);
  });
});
