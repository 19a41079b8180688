import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../src/timing.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { deleteByForce } from './support/by-force.ts';
import { ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

/** A twentieth of the operator's own waits. */
const SCALE = 0.05;

/** The shortest time between two lists of the inventory, in milliseconds. */
const INVENTORY = 0.9 * SCALE * standardTiming.inventoryInterval;

/** Deleting means gone (I4): the object stays until its leases are, says why, and is never stuck. */
describe.concurrent('the end of an object', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    // A lease counts as gone when it is 6 s old and two lists half a second apart lack it.
    operator = await stage.startOperator({ scale: SCALE });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const remove = (name: string): Promise<string> => stage.kubectl('delete', 'dsl', name, '--wait=false');
  const arm = (
    dynamicSecret: string,
    action: FaultRule['action'],
    match: NonNullable<FaultRule['match']>,
  ): Promise<{ faultId: string }> => stage.api.armFault({ match: { dynamicSecret, ...match }, action });
  const untilReason = (name: string, reason: string): Promise<LeaseRecord> =>
    stage.untilLease(
      name,
      (lease) => lease.deletedAt !== undefined && conditionOf(lease, 'Reconciling')?.reason === reason,
    );
  /** Why the operator says that it left the leases of an object. */
  const leftOf = (name: string): readonly unknown[] =>
    operator.lines
      .filter(({ msg, object }) => msg === 'A lease is left to run out.' && object === `default/${name}`)
      .map(({ why }) => why);
  /** The same, once it has said so: it does after the object has gone. */
  const untilLeft = async (name: string): Promise<readonly unknown[]> => {
    await awaitCondition(() => Promise.resolve(leftOf(name).length > 0), { what: 'what is left' });
    return leftOf(name);
  };
  /** Revokes a lease as an administrator does, past the operator. */
  const revokeElsewhere = async (id: string | undefined): Promise<void> => {
    const { accessToken } = await stage.api.mintToken({ identityId: stage.identity.identityId });
    const answer = await fetch(`${stage.api.url}/api/v1/dynamic-secrets/leases/${id ?? ''}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ projectSlug: 'shop', environmentSlug: 'prod' }),
    });
    expect(answer.status).toBe(200);
  };

  it('waits while the provider cannot revoke, says so, and comes when it can', async () => {
    const own = await ownLease(stage, 'stubborn');
    await own.apply();
    await stage.untilReady('stubborn');
    const { faultId } = await arm('stubborn', { type: 'revocation-fails' }, { times: 'always' });
    await remove('stubborn');
    const held = await untilReason('stubborn', 'RevocationFailed');
    expect(held.hasFinalizer).toBe(true);
    expect(conditionOf(held, 'Ready')).toMatchObject({ status: 'False', reason: 'Revoking' });
    expect(conditionOf(held, 'Reconciling')?.message).toContain('dynamic secret stubborn');
    expect(conditionOf(held, 'Reconciling')?.message).toContain('spec.revocation.timeout');
    await awaitCondition(
      async () => (await own.events()).filter((event) => event === 'revoke-failed').length >= 3,
      { what: 'three tries' },
    );
    expect(await own.live()).toHaveLength(1);

    await stage.api.disarmFaults({ faultId });
    await stage.untilGone('stubborn');
    expect((await own.events()).at(-1)).toBe('revoked');
    expect(await own.live()).toEqual([]);
    expect(await stage.secret('stubborn')).toBeUndefined();
  });

  it('comes when its time for revoking is over, and names what is left', async () => {
    const own = await ownLease(stage, 'overdue');
    // Long enough for a first try to be told before it is over.
    await own.apply({ revocation: { timeout: '12s' } });
    await stage.untilReady('overdue');
    await arm('overdue', { type: 'revocation-fails' }, { times: 'always' });
    const since = Date.now();
    await remove('overdue');
    const removed = Date.now();
    await untilReason('overdue', 'RevocationFailed');
    await stage.untilGone('overdue');

    // Kubernetes notes the time of a deletion in whole seconds.
    expect(Date.now() - since).toBeGreaterThan(10_900);
    expect(Date.now() - removed).toBeLessThan(16_000);
    expect(await untilLeft('overdue')).toEqual(['timeout']);
    expect(await stage.secret('overdue')).toBeUndefined();
    expect(await own.live()).toHaveLength(1);
  });

  it('comes when the lease is past its end, though it could not be revoked', async () => {
    const own = await ownLease(stage, 'ended', { lifeOverride: 18_000 });
    await own.apply({ rotation: { before: '1%' } });
    await stage.untilReady('ended');
    await arm('ended', { type: 'revocation-fails' }, { times: 'always' });
    await remove('ended');
    await untilReason('ended', 'RevocationFailed');
    await stage.untilGone('ended');

    expect(leftOf('ended')).toEqual([]);
    expect(await own.events()).not.toContain('revoked');
  });

  it('takes a lease that others have revoked for gone after two looks', async () => {
    const own = await ownLease(stage, 'elsewhere');
    await own.apply();
    const { status } = await stage.untilReady('elsewhere');
    // Changes nothing, and counts.
    const always = { route: 'lease-list', times: 'always' } as const;
    const { faultId } = await arm('elsewhere', { type: 'delay', ms: 0, when: 'after' }, always);
    const lists = async (): Promise<number> =>
      (await stage.api.listFaults()).faults.find(({ id }) => id === faultId)?.hits ?? 0;
    // Right after a list of the inventory its next one is an interval away, and no part of what is counted.
    let unlisted = performance.now();
    const listed = async (): Promise<boolean> => {
      const asked = performance.now();
      if ((await lists()) > 0) return true;
      unlisted = asked;
      return false;
    };
    await awaitCondition(listed, { what: 'a list of the inventory' });
    const before = await lists();
    await revokeElsewhere(status.lease?.id);
    await remove('elsewhere');
    await stage.untilGone('elsewhere');
    const rounds = Math.floor((performance.now() - unlisted) / INVENTORY);

    // Two for the revocation, and a third where the server's clock, known to a second, makes the lease seem younger; one
    // for an object that leaves. On a machine so slow that an interval went by, as many for the inventory.
    const made = (await lists()) - before;
    expect(made).toBeGreaterThanOrEqual(2);
    expect(made).toBeLessThanOrEqual(4 + 3 * rounds);
    expect(await own.events()).toEqual(['made', 'revoked']);
    expect(await stage.secret('elsewhere')).toBeUndefined();
    const told = (): unknown[] =>
      operator.lines.filter(({ lease }) => lease === status.lease?.id).map(({ result }) => result);
    await vi.waitFor(() => expect(told()).toContain('gone'));
  });

  const troubles: readonly (readonly [what: string, action: FaultRule['action'], times: number])[] = [
    ['whose answer is lost', { type: 'answer-lost', when: 'after' }, 1],
    ['that never arrives', { type: 'answer-lost', when: 'before' }, 2],
    ['that is answered with 500', { type: 'status', status: 500 }, 2],
    ['that is done and answered with 502', { type: 'status', status: 502, body: 'html', when: 'after' }, 1],
    ['that is answered with a page', { type: 'html' }, 2],
    ['whose answer is half an answer', { type: 'truncated', cut: 'body' }, 1],
    ['whose answer is cut in the middle', { type: 'truncated', cut: 'connection' }, 1],
    ['whose answer is too large', { type: 'huge-body', bytes: 2_000_000 }, 1],
    ['whose answer trickles in', { type: 'slow-body', intervalMs: 50 }, 1],
    ['that is answered with 503 by a gateway', { type: 'status', status: 503, body: 'html' }, 2],
    ['that meets a limit of the rate', { type: 'status', status: 429, retryAfterSeconds: 1 }, 1],
    ['whose token dies on the way', { type: 'token-death', death: 'expired' }, 1],
  ];

  for (const [index, [what, action, times]] of troubles.entries()) {
    it(`survives a revocation ${what}`, async () => {
      const own = await ownLease(stage, `trouble-${String(index)}`);
      await own.apply();
      await stage.untilReady(own.name);
      await arm(own.name, action, { route: 'lease-delete', times });
      await remove(own.name);
      await stage.untilGone(own.name);

      expect(await own.events()).toEqual(['made', 'revoked']);
      expect(leftOf(own.name)).toEqual([]);
    });
  }

  it('waits for a server that is away, says so, and comes when it is back', async () => {
    await using server = await ownServer();
    await stage.apply(...connectionObjects(server, { name: 'away' }));
    await stage.apply(leaseManifest('away', { connectionRef: { name: 'away' } }));
    await stage.untilReady('away');
    await server.api.pause();
    await remove('away');
    const held = await untilReason('away', 'CircuitOpen');
    expect(conditionOf(held, 'Reconciling')?.message).toContain(server.api.url);
    await server.api.resume();
    await stage.untilGone('away');

    expect((await server.api.live()).leases).toEqual([]);
    expect(leftOf('away')).toEqual([]);
  });

  it('waits for a permission that was taken away, says so, and comes when it is back', async () => {
    await using server = await ownServer();
    await stage.apply(...connectionObjects(server, { name: 'denied' }));
    await stage.apply(leaseManifest('denied', { connectionRef: { name: 'denied' } }));
    await stage.untilReady('denied');
    const { identityId } = server.identity;
    await server.api.setGrants({ identityId, grants: [{ projectSlug: 'shop', actions: ['secrets-read'] }] });
    await remove('denied');
    const held = await untilReason('denied', 'PermissionDenied');
    expect(conditionOf(held, 'Reconciling')?.message).toContain('may not revoke a lease');
    await server.api.setGrants({ identityId, grants: [{ projectSlug: 'shop' }] });
    await stage.untilGone('denied');

    expect((await server.api.live()).leases).toEqual([]);
  });

  it('takes "project not found" for no proof: the lease may live on, so its time for revoking passes', async () => {
    await using server = await ownServer();
    await stage.apply(...connectionObjects(server, { name: 'moved-away' }));
    const spec = { connectionRef: { name: 'moved-away' }, revocation: { timeout: '12s' } };
    await stage.apply(leaseManifest('moved-away', spec));
    await stage.untilReady('moved-away');
    await server.api.removePlace({ projectSlug: 'shop' });
    await remove('moved-away');
    await untilReason('moved-away', 'TargetNotFound');
    await stage.untilGone('moved-away');

    expect(await untilLeft('moved-away')).toEqual(['timeout']);
  });

  it('revokes with the session of a connection that was deleted before, by force', async () => {
    await using server = await ownServer();
    await stage.apply(...connectionObjects(server, { name: 'cut-off' }));
    await stage.apply(leaseManifest('cut-off', { connectionRef: { name: 'cut-off' } }));
    await stage.untilReady('cut-off');
    await stage.kubectl('delete', 'secret/cut-off-login');
    await deleteByForce(stage, 'default', 'cut-off');
    const said = await stage.untilLease(
      'cut-off',
      (lease) => conditionOf(lease, 'Reconciling')?.reason === 'ConnectionNotFound',
    );
    expect(conditionOf(said, 'Ready')?.status).toBe('True');
    await remove('cut-off');
    await stage.untilGone('cut-off');

    expect((await server.api.live()).leases).toEqual([]);
    expect(leftOf('cut-off')).toEqual([]);
    expect(await stage.secret('cut-off')).toBeUndefined();
  });

  it('revokes through another connection to the same server, when its own was deleted by force', async () => {
    await using server = await ownServer();
    await stage.apply(...connectionObjects(server, { name: 'one-way' }));
    await stage.apply(...connectionObjects(server, { name: 'another-way' }));
    await stage.apply(leaseManifest('rerouted', { connectionRef: { name: 'one-way' } }));
    await stage.untilReady('rerouted');
    await deleteByForce(stage, 'default', 'one-way');
    await remove('rerouted');
    await stage.untilGone('rerouted');

    expect((await server.api.live()).leases).toEqual([]);
    expect(leftOf('rerouted')).toEqual([]);
  });

  it('comes when the connection was mended meanwhile', async () => {
    await using server = await ownServer();
    await stage.apply(...connectionObjects(server, { name: 'mended' }));
    await stage.apply(leaseManifest('mended', { connectionRef: { name: 'mended' } }));
    await stage.untilReady('mended');
    await stage.apply(...connectionObjects(server, { name: 'mended', clientSecret: 'wrong' }));
    await server.api.killToken({ identityId: server.identity.identityId, death: 'revoked' });
    await remove('mended');
    await untilReason('mended', 'LoginRefused');
    await stage.apply(...connectionObjects(server, { name: 'mended' }));
    await stage.untilGone('mended');

    expect((await server.api.live()).leases).toEqual([]);
  });
});
