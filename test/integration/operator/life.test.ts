import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { LeaseApi } from '../../../sandbox/lease-api/lease-api.ts';
import { FINALIZER, MANAGED_LABEL, RECORD_ANNOTATION } from '../../../src/api/names.ts';
import { parseRecord } from '../../../src/api/record.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import {
  connectionObjects,
  isReady,
  startStage,
  type SecretObject,
  type Stage,
} from '../../support/stage.ts';
import { requestsFor, untilCaughtUp } from './support/observe.ts';
import { defined, ownLease } from './support/own-lease.ts';

/** A lease as the server has it. */
type Leased = Awaited<ReturnType<LeaseApi['live']>>['leases'][number];

/** Milliseconds: with waits at a twentieth a lease of this life is used for 7 to 9 seconds of it. */
const SHORT_LIFE = 16_000;

describe.concurrent('the life of a lease', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** The object called first, its lease on the server, and its Secret. */
  const parts = async (): Promise<{ object: LeaseRecord; leased: Leased; secret: SecretObject }> => ({
    object: defined(await stage.lease('first')),
    leased: defined((await stage.api.live()).leases.find((lease) => lease.dynamicSecret === 'first')),
    secret: defined(await stage.secretObject('first')),
  });
  /** What revoking needs, as the server knows it. */
  const refOf = async ({ leaseId, expireAt, tag }: Leased): Promise<object> => ({
    id: leaseId,
    expireAt: new Date(expireAt).toISOString(),
    attempt: defined(tag ?? undefined).attempt,
    connection: {
      kind: 'InfisicalConnection',
      name: 'infisical',
      uid: defined(await stage.connection('infisical')).uid,
      host: stage.api.url,
    },
    projectSlug: 'shop',
    environmentSlug: 'prod',
    path: '/',
    dynamicSecret: 'first',
  });

  describe('begins with', () => {
    beforeAll(async () => {
      const own = await ownLease(stage, 'first', { defaultTTL: '2h', maxTTL: '1d' });
      const labels = { team: 'orders' };
      await own.apply({ secret: { labels, annotations: { 'example.com/note': 'mine' } } });
      await stage.untilReady('first');
    });

    it('a Secret that holds what was leased, its record, and whose it is', async () => {
      const { object, leased, secret } = await parts();
      expect(secret).toMatchObject({
        type: 'Opaque',
        data: { DB_USERNAME: leased.externalEntityId },
        metadata: {
          annotations: { 'example.com/note': 'mine' },
          ownerReferences: [{ kind: 'DynamicSecretLease', name: 'first', uid: object.uid, controller: true }],
        },
      });
      expect(Object.keys(secret.data)).toEqual(['DB_PASSWORD', 'DB_USERNAME']);
      expect(secret.data['DB_PASSWORD']).toMatch(/^.{48}$/);
      expect(secret.metadata.labels).toEqual({ team: 'orders', [MANAGED_LABEL]: 'true' });
      expect(secret.metadata.ownerReferences[0]).not.toHaveProperty('blockOwnerDeletion');
      const record = parseRecord(secret.metadata.annotations[RECORD_ANNOTATION]);
      expect(record).toMatchObject({ lease: await refOf(leased), previous: [] });
    });

    it('a lease whose tag says whose it is', async () => {
      const { object, leased } = await parts();
      expect(leased.tag?.object).toBe(object.uid);
      expect(object.finalizers).toEqual([FINALIZER]);
    });

    it('a status that says what the server says', async () => {
      const { object, leased, secret } = await parts();
      const { uid, resourceVersion } = secret.metadata;
      const { externalEntityId } = leased;
      const createdAt = new Date(leased.createdAt).toISOString();
      expect(object.status).toMatchObject({
        observedGeneration: 1,
        lease: { ...(await refOf(leased)), version: 1, externalEntityId, createdAt },
        dynamicSecret: {
          id: leased.dynamicSecretId,
          name: 'first',
          type: 'in-memory',
          defaultTTL: '2h',
          maxTTL: '1d',
        },
        secret: { name: 'first', uid, resourceVersion },
        rotations: 0,
      });
      for (const part of ['retiring', 'attempts']) expect(object.status).not.toHaveProperty(part);
      expect(object.status.lease).not.toHaveProperty('config');
      expect(object.status.conditions).toMatchObject([
        { type: 'Ready', status: 'True', reason: 'LeaseActive', observedGeneration: 1 },
        { type: 'Reconciling', status: 'False', reason: 'Settled', observedGeneration: 1 },
        { type: 'Stalled', status: 'False', reason: 'Accepted', observedGeneration: 1 },
      ]);
    });

    it('a rotation a third of its life before its end, or up to a tenth earlier', async () => {
      const { object, leased } = await parts();
      const { createdAt, expireAt } = leased;
      const used = (Date.parse(defined(object.status.rotateAt)) - createdAt) / (expireAt - createdAt);
      expect(used).toBeGreaterThan(0.56);
      expect(used).toBeLessThan(0.68);
    });
  });

  it('goes on with a new lease in time, while the old one lives to its end and then leaves without a write', async () => {
    const own = await ownLease(stage, 'rotated', { firstLife: SHORT_LIFE });
    await own.apply();
    const old = defined((await stage.untilReady('rotated')).status.lease);
    const oldData = defined(await stage.secret('rotated'));
    const { status } = await stage.untilLease('rotated', (lease) => lease.status.rotations === 1);
    const current = defined(status.lease);

    // What revoking it needs, and no more.
    const { id, expireAt, attempt, connection, projectSlug, environmentSlug, path, dynamicSecret } = old;
    const ref = { id, expireAt, attempt, connection, projectSlug, environmentSlug, path, dynamicSecret };
    expect(status.retiring).toEqual([ref]);
    expect(await own.live()).toEqual([old.id, current.id]);
    const newData = defined(await stage.secret('rotated'));
    expect(newData['DB_USERNAME']).toBe(current.externalEntityId);
    expect(newData['DB_PASSWORD']).not.toBe(oldData['DB_PASSWORD']);
    expect(await own.record()).toMatchObject({ lease: { id: current.id }, previous: [{ id: old.id }] });

    // Nobody revokes it: it runs out, and that alone is no reason for a write, though the object is looked at.
    const since = await stage.plane.audit.mark();
    await awaitCondition(async () => (await own.events()).includes('expired'), { what: 'its end' });
    // A second later at the earliest it is over by the server's clock, as far as that is known.
    const end = Date.parse(old.expireAt) + 1500;
    await awaitCondition(() => Promise.resolve(Date.now() > end), { what: 'certainty about its end' });
    await stage.kubectl('annotate', 'dsl', 'rotated', 'example.com/look=again');
    await untilCaughtUp(stage, 'rotated-marker');
    expect(await own.events()).toEqual(['made', 'made', 'expired']);
    expect(await requestsFor(stage, 'rotated', since)).toEqual([]);
    expect((await stage.lease('rotated'))?.status.retiring).toHaveLength(1);

    // It leaves with the next write that there is a reason for.
    await own.apply({ secret: { labels: { reason: 'to-write' } } });
    const last = await stage.untilLease('rotated', (lease) => isReady(lease) && lease.generation === 2);
    expect(last.status).not.toHaveProperty('retiring');
  });

  it('ends with the object: current and replaced leases are revoked, Secret and object go', async () => {
    const own = await ownLease(stage, 'deleted');
    await stage.seed('deleted-too');
    await own.apply();
    const first = await stage.untilReady('deleted');
    await own.apply({
      dynamicSecret: { name: 'deleted-too', projectSlug: 'shop', environmentSlug: 'prod' },
    });
    const second = await stage.untilReady('deleted');
    expect(second.status.retiring).toMatchObject([{ id: first.status.lease?.id }]);
    await stage.kubectl('delete', 'dsl', 'deleted', '--wait=false');
    await stage.untilGone('deleted');

    expect(await stage.secret('deleted')).toBeUndefined();
    expect(await own.events()).toEqual(['made', 'revoked']);
    expect((await stage.ledger('deleted-too')).map(({ event }) => event)).toEqual(['made', 'revoked']);
  });

  it('ends with its own end where the object says Expire', async () => {
    const own = await ownLease(stage, 'left', { firstLife: SHORT_LIFE });
    await own.apply({ revocation: { onDelete: 'Expire' } });
    await stage.untilReady('left');
    await stage.kubectl('delete', 'dsl', 'left', '--wait=false');
    await stage.untilGone('left');

    // The object has not waited for it.
    expect(await own.live()).toHaveLength(1);
    expect(await stage.secret('left')).toBeUndefined();
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'its end' });
    expect(await own.events()).toEqual(['made', 'expired']);
  });
});
