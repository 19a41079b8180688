import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { requestsFor } from './support/observe.ts';
import { revokeElsewhere } from './support/others.ts';
import { ownLease } from './support/own-lease.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

/** Waits for so many more requests. */
const untilCounted = async (server: OwnServer, route: string, more: number): Promise<void> => {
  const count = async (): Promise<number> =>
    (await server.api.counts()).counts[route]?.[server.identity.identityId] ?? 0;
  const since = await count();
  const counted = async (): Promise<boolean> => (await count()) >= since + more;
  await awaitCondition(counted, { what: `${String(more)} more of ${route}`, timeoutMs: 60_000 });
};
const made = async (server: OwnServer): Promise<number> =>
  (await server.api.readLedger()).entries.filter(({ event }) => event === 'made').length;

/** A twentieth: lists every 15 s at most, a second look after half a second, after 3 s when many are missing. */
describe.concurrent('the inventory', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    operator = await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** A server of its own, the connection to it, and a lease there, all of the same name. */
  const leasedElsewhere = async (name: string): Promise<OwnServer> => {
    const server = await ownServer();
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name } }));
    await stage.untilReady(name);
    return server;
  };

  it('notices a lease that somebody else revoked, and another takes its place', async () => {
    const own = await ownLease(stage, 'revoked-elsewhere');
    await own.apply();
    const { status } = await stage.untilReady(own.name);
    await revokeElsewhere(stage, status.lease?.id);
    const healed = await stage.untilLease(own.name, (lease) => lease.status.rotations === 1, 40_000);

    expect(await own.events()).toEqual(['made', 'revoked', 'made']);
    expect(await own.live()).toEqual([healed.status.lease?.id]);
    expect((await stage.secret(own.name))?.['DB_USERNAME']).toBe(healed.status.lease?.externalEntityId);
    await vi.waitFor(() =>
      expect(operator.lines).toContainEqual(
        expect.objectContaining({
          msg: 'The lease in use is gone from the server.',
          lease: status.lease?.id,
        }),
      ),
    );
  });

  it('of an unchanged world costs a list and a read of the lease API a round, and no request to the Kubernetes API', async () => {
    await using server = await leasedElsewhere('unchanged');
    const others = ['unchanged-1', 'unchanged-2', 'unchanged-3'];
    for (const name of others)
      await stage.apply(leaseManifest(name, { connectionRef: { name: 'unchanged' } }));
    for (const name of others) await stage.untilReady(name);
    const { identityId } = server.identity;
    const counted = async (): Promise<Readonly<Record<string, number>>> => {
      const { counts } = await server.api.counts();
      return Object.fromEntries(
        Object.entries(counts).map(([route, callers]) => [route, callers[identityId] ?? 0]),
      );
    };
    await untilCounted(server, 'lease-list', 1);
    const since = await stage.plane.audit.mark();
    const before = await counted();
    await untilCounted(server, 'lease-list', 2);

    const after = await counted();
    const more = (route: string): number => (after[route] ?? 0) - (before[route] ?? 0);
    expect(more('lease-list')).toBe(2);
    expect(more('lease-get')).toBeLessThanOrEqual(3);
    expect(more('lease-create') + more('lease-delete')).toBe(0);
    for (const name of ['unchanged', ...others]) expect(await requestsFor(stage, name, since)).toEqual([]);
  });

  it('concludes nothing from a project that is not found', async () => {
    await using server = await leasedElsewhere('no-project');
    const before = await stage.untilReady('no-project');
    await server.api.removePlace({ projectSlug: 'shop' });
    await untilCounted(server, 'lease-list', 3);

    expect((await stage.lease('no-project'))?.status.lease?.id).toBe(before.status.lease?.id);
    expect(await made(server)).toBe(1);
  });

  it('concludes nothing where it may not list, though the lease was revoked by others', async () => {
    await using server = await leasedElsewhere('no-list');
    const before = await stage.untilReady('no-list');
    await revokeElsewhere(server, before.status.lease?.id);
    await server.api.setGrants({ identityId: server.identity.identityId, grants: [] });
    await untilCounted(server, 'lease-list', 2);

    expect((await stage.lease('no-list'))?.status.lease?.id).toBe(before.status.lease?.id);
    expect(await made(server)).toBe(1);
  });

  it('looks twice before it believes that most leases of a dynamic secret are gone, and replaces them all', async () => {
    await stage.seed('many');
    const names = Array.from({ length: 10 }, (_, index) => `many-${String(index)}`);
    const dynamicSecret = { name: 'many', projectSlug: 'shop', environmentSlug: 'prod' };
    await stage.apply(...names.map((name) => leaseManifest(name, { dynamicSecret })));
    const ids = [];
    for (const name of names) ids.push((await stage.untilReady(name)).status.lease?.id);
    for (const id of ids.slice(0, 8)) await revokeElsewhere(stage, id);
    for (const name of names.slice(0, 8)) {
      await stage.untilLease(name, ({ status }) => status.rotations === 1, 60_000);
    }

    const events = (await stage.ledger('many')).map(({ event }) => event);
    expect(events.filter((event) => event === 'made')).toHaveLength(18);
    await vi.waitFor(() =>
      expect(operator.lines).toContainEqual(
        expect.objectContaining({
          msg: 'Many leases of a dynamic secret are missing at once.',
          dynamicSecret: 'many',
        }),
      ),
    );
    for (const name of names.slice(8)) expect((await stage.lease(name))?.status.rotations).toBe(0);
  });

  it('shows what the server says of a lease that it could not revoke', async () => {
    const own = await ownLease(stage, 'failed-revocation');
    await own.apply();
    const { status } = await stage.untilReady(own.name);
    await stage.api.armFault({
      match: { dynamicSecret: own.name, times: 1 },
      action: { type: 'revocation-fails', message: 'role is in use' },
    });
    await revokeElsewhere(stage, status.lease?.id);
    const told = await stage.untilLease(
      own.name,
      (lease) => lease.status.lease?.status !== undefined,
      40_000,
    );

    expect(told.status.lease).toMatchObject({ id: status.lease?.id, status: 'Failed to delete' });
    expect(told.status.lease?.statusDetails).toContain('role is in use');
  });
});
