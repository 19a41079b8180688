import { describe, expect, it } from 'vitest';

import { KubeError } from '../../../src/kube/kube-error.ts';
import { whileLeading } from '../../../src/reconcile/leading.ts';
import { MINUTE, SECOND } from '../../support/builders.ts';
import { leaseClient } from './support/lease-client.ts';
import { lost, refused, Wire, type CallName } from './support/wire.ts';
import { TARGET, World } from './support/world.ts';

const notLeading = refused(new KubeError('write', { reason: 'NotLeading' }));
const noAnswer = new KubeError('write', { reason: 'Timeout' });

/** The writes to the Kubernetes API that can follow a lease. */
const writes: readonly CallName[] = [
  'create secrets',
  'create secrets, dry',
  'patch secrets',
  'patch secrets, dry',
  'patch leases',
  'patch leases/status',
];

function loseLead(world: World): void {
  for (const write of writes) world.always(write, notLeading);
}

const request = {
  target: TARGET,
  tag: { install: 'install', object: 'object', attempt: '00000000-0000-4000-8000-000000000001' },
};

describe('the client of a lease API', () => {
  it('asks for no lease without the lead: surely nothing was made', async () => {
    const world = new World();
    let leads = true;
    const client = whileLeading(leaseClient(world.leases, new Wire()), () => leads);
    const { lease } = await client.createLease(request);
    leads = false;
    await expect(client.createLease(request)).rejects.toMatchObject({ fate: 'refused' });
    expect(world.leases.rows).toHaveLength(1);

    // What is there can still be looked at, and given back.
    expect(await client.listLeases(TARGET)).toHaveLength(1);
    expect(await client.revokeLease(lease.id, TARGET)).toMatchObject({ status: null });
  });

  it('tells who asks when the request is sent, and not where the lead was lost while its turn was waited for', async () => {
    const world = new World();
    let leads = true;
    let told = 0;
    const client = whileLeading(leaseClient(world.leases, new Wire()), () => leads);
    const beforeSending = (): void => {
      told += 1;
    };
    await client.createLease({ ...request, beforeSending });
    world.leases.whileWaiting.push(() => (leads = false));
    await expect(client.createLease({ ...request, beforeSending })).rejects.toMatchObject({
      fate: 'refused',
    });
    expect(told).toBe(1);
    expect(world.leases.rows).toHaveLength(1);
  });

  it('makes, changes and removes no dynamic secret without the lead, not even when it is lost on the way', async () => {
    const world = new World();
    let leads = true;
    const client = whileLeading(leaseClient(world.leases, new Wire()), () => leads);
    const told: string[] = [];
    const declaration = { defaultTTL: '1h', provider: { type: 'redis', inputs: {} } };
    const calls = {
      create: () =>
        client.createDynamicSecret(TARGET, declaration, { beforeSending: () => told.push('create') }),
      update: () =>
        client.updateDynamicSecret(
          TARGET,
          { defaultTTL: '2h' },
          { beforeSending: () => told.push('update') },
        ),
      remove: () =>
        client.deleteDynamicSecret(TARGET, { forced: false, beforeSending: () => told.push('remove') }),
    };
    for (const call of Object.values(calls)) {
      leads = false;
      await expect(call()).rejects.toMatchObject({ fate: 'refused' });
      leads = true;
      world.leases.whileWaiting.push(() => (leads = false));
      await expect(call()).rejects.toMatchObject({ fate: 'refused' });
    }
    expect(told).toEqual([]);
    expect(world.leases.declared.rows).toEqual([]);

    leads = true;
    await calls.create();
    await calls.update();
    expect(await client.listDynamicSecrets(TARGET)).toMatchObject([{ defaultTTL: '2h' }]);
    await calls.remove();
    expect(told).toEqual(['create', 'update', 'remove']);
  });

  it('is the same where nobody is elected', async () => {
    const world = new World();
    const client = whileLeading(leaseClient(world.leases, new Wire()));
    await client.createLease(request);
    expect(world.leases.rows).toHaveLength(1);
  });
});

describe('a process that loses the lead with a lease in hand', () => {
  it('before its Secret was there: gives the lease back, and asks for no other', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.next('patch leases', (act) => {
      const answer = act();
      loseLead(world);
      return answer;
    });
    await world.settle(10 * SECOND);
    expect(world.leases.rows).toHaveLength(1);
    expect(world.live).toEqual([]);
    expect(world.rawSecret).toBeUndefined();
  });

  it('before it had replaced another: gives it back, and leaves the other alone', async () => {
    const world = new World();
    world.connect();
    world.apply();
    await world.settle(SECOND);
    world.next('CREATE lease', (act) => {
      loseLead(world);
      return act();
    });
    while (world.leases.rows.length < 2) await world.pass(MINUTE);
    expect(world.leases.rows).toHaveLength(2);
    expect(world.live).toEqual([1]);
    expect(world.named).toBe(1);
  });

  it('after a write whose answer was lost: leaves to the Secret what became of it', async () => {
    const world = new World();
    world.connect();
    world.apply();
    world.tell();
    world.watching = false;
    world.next('create secrets', (act) => {
      loseLead(world);
      return lost(noAnswer)(act);
    });
    await world.settle(10 * SECOND);
    expect(world.live).toEqual([1]);
    expect(world.named).toBe(1);
  });
});
