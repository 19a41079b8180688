import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { postgresInputs } from '../../../sandbox/lease-api/postgres-inputs.ts';
import { startPostgres, type Postgres } from '../../../sandbox/postgres/start.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { requestsFor, untilCaughtUp, untilInstant } from './support/observe.ts';
import { defined, LATER_ROTATION, ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

const RENEW = { rotation: { ...LATER_ROTATION.spec.rotation, strategy: 'Renew' } } as const;

/** A lease that is due early, and whose renewal makes it so long that it is not due again. */
const once = { firstLife: LATER_ROTATION.life, defaultTTL: '1h' } as const;

describe.concurrent('a lease that is to be renewed', () => {
  let stage: Stage;
  let operator: OperatorProcess;
  let postgres: Postgres;

  beforeAll(async () => {
    [stage, postgres] = await Promise.all([startStage(), startPostgres()]);
    operator = await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await postgres.stop();
  });

  it('is lengthened before its end; its credentials stay, byte for byte', async () => {
    const own = await ownLease(stage, 'renewed', once);
    await own.apply(RENEW);
    const before = await stage.untilReady('renewed');
    const secret = defined(await stage.secretObject('renewed'));
    const record = defined(await own.record());
    const since = await stage.plane.audit.mark();
    const after = await stage.untilLease('renewed', ({ status }) => status.lease?.renewals === 1);

    const lease = defined(after.status.lease);
    expect(lease.id).toBe(before.status.lease?.id);
    expect(Date.parse(lease.expireAt)).toBe(Date.parse(record.lease.expireAt) + 3_600_000);
    expect(lease.renewedAt).toBe(lease.updatedAt);
    expect(conditionOf(after, 'Ready')).toMatchObject({
      status: 'True',
      message: 'The Secret holds a live lease.',
    });
    expect(after.status).toMatchObject({ rotations: 0 });
    expect(after.status).not.toHaveProperty('retiring');
    const now = defined(await stage.secretObject('renewed'));
    expect(now.data).toEqual(secret.data);
    expect(now.metadata.uid).toBe(secret.metadata.uid);
    expect(await own.record()).toEqual({ ...record, lease: { ...record.lease, expireAt: lease.expireAt } });
    expect(await own.events()).toEqual(['made', 'renewed']);
    await untilCaughtUp(stage, 'renewed-marker');
    expect(await requestsFor(stage, 'renewed', since)).toEqual([
      'patch secrets',
      'patch dynamicsecretleases/status',
    ]);
  });

  it.each([
    ['was done', 'after'],
    ['never arrived', 'before'],
  ] as const)('whose renewal %s and was not answered is renewed once', async (_what, when) => {
    const own = await ownLease(stage, `lost-${when}`, once);
    await stage.api.armFault({
      match: { dynamicSecret: own.name, route: 'lease-renew' },
      action: { type: 'answer-lost', when },
    });
    await own.apply(RENEW);
    await stage.untilReady(own.name);
    const after = await stage.untilLease(own.name, ({ status }) => status.lease?.renewals === 1);

    expect(await own.events()).toEqual(['made', 'renewed']);
    expect((await own.record())?.lease.expireAt).toBe(after.status.lease?.expireAt);
  });

  it('is replaced where another renewal would pass the maximum', async () => {
    const own = await ownLease(stage, 'at-most', { defaultTTL: '24s', maxTTL: '50s' });
    await own.apply(RENEW);
    const first = await stage.untilReady('at-most');
    const renewed = await stage.untilLease('at-most', ({ status }) => status.lease?.renewals === 1);
    expect(renewed.status.lease?.id).toBe(first.status.lease?.id);
    const replaced = await stage.untilLease('at-most', ({ status }) => status.rotations === 1);

    expect(replaced.status.lease?.id).not.toBe(first.status.lease?.id);
    expect(replaced.status.retiring).toMatchObject([{ id: first.status.lease?.id }]);
    expect((await own.events()).slice(0, 3)).toEqual(['made', 'renewed', 'made']);
    expect(conditionOf(replaced, 'Ready')?.status).toBe('True');
  });

  it('is replaced where a renewal does not lengthen the credentials of its type, and says so', async () => {
    const own = await ownLease(stage, 'kubernetes', { ...once, type: 'kubernetes' });
    await own.apply(RENEW);
    const before = await stage.untilReady('kubernetes');
    expect(conditionOf(before, 'Ready')?.message).toContain('spec.rotation.strategy Renew has no effect');
    await stage.untilLease('kubernetes', ({ status }) => status.rotations === 1);

    expect(await own.events()).toEqual(['made', 'made']);
  });

  it('is replaced, not renewed, where somebody asks for another lease', async () => {
    const own = await ownLease(stage, 'asked', { defaultTTL: '1h' });
    await own.apply(RENEW);
    const before = await stage.untilReady('asked');
    await stage.kubectl('annotate', 'dsl', 'asked', 'leaseholder.dev/rotate=once');
    const after = await stage.untilLease('asked', ({ status }) => status.rotations === 1);

    expect(after.status.retiring).toMatchObject([{ id: before.status.lease?.id }]);
    expect(await own.events()).toEqual(['made', 'made']);
  });

  it('is replaced where the server refuses to renew it', async () => {
    // A server of 2024 asks for other permissions to renew than to lease.
    await using server = await ownServer({ profile: '2024' }, once);
    const grants = [{ projectSlug: 'shop', actions: ['secrets-read', 'secrets-delete'] as const }];
    const { identityId } = server.identity;
    await server.api.setGrants({
      identityId,
      grants: grants.map((one) => ({ ...one, actions: [...one.actions] })),
    });
    await stage.apply(...connectionObjects(server, { name: 'refused' }));
    await stage.apply(leaseManifest('refused', { connectionRef: { name: 'refused' }, ...RENEW }));
    await stage.untilReady('refused');
    const after = await stage.untilLease('refused', ({ status }) => status.rotations === 1);

    expect(conditionOf(after, 'Ready')?.status).toBe('True');
    expect(conditionOf(after, 'Reconciling')?.status).toBe('False');
    await vi.waitFor(() =>
      expect(operator.lines.filter(({ object }) => object === 'default/refused')).toContainEqual(
        expect.objectContaining({ msg: 'The lease cannot be renewed; it is replaced.' }),
      ),
    );
    expect((await server.api.counts()).counts['lease-renew']).toEqual({ [identityId]: 1 });
  });

  it('opens PostgreSQL after the end that it was made with', async () => {
    const provider = { type: 'sql-database' as const, inputs: postgresInputs(postgres) };
    const own = await ownLease(stage, 'database', { defaultTTL: '14s', provider });
    await own.apply(RENEW);
    const before = await stage.untilReady('database');
    const data = defined(await stage.secret('database'));
    await untilInstant(Date.parse(defined(before.status.lease).expireAt) + 1000);

    expect(await stage.secret('database')).toEqual(data);
    const login = { host: postgres.host, port: postgres.port, database: 'postgres' };
    const client = new Client({ ...login, user: data['DB_USERNAME'], password: data['DB_PASSWORD'] });
    await client.connect();
    const { rows } = await client.query<{ current_user: string }>('SELECT current_user');
    await client.end();
    expect(rows[0]?.current_user).toBe(data['DB_USERNAME']);
    expect((await own.events()).filter((event) => event !== 'renewed')).toEqual(['made']);
  });
});
