import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { MANAGED_LABEL, RECORD_ANNOTATION } from '../../../src/api/names.ts';
import {
  conditionOf,
  connectionObjects,
  isReady,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { requestsFor, untilCaughtUp } from './support/observe.ts';
import { defined, LATER_ROTATION, ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

/** When a change of the spec acts: at once with a lease, at the next rotation, with a patch, or never. */
describe.concurrent('a lease whose object is changed', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it('begins anew at once when something else is to be leased', async () => {
    const own = await ownLease(stage, 'moved');
    const elsewhere = { projectSlug: 'shop', environmentSlug: 'prod', path: '/other' };
    const { dynamicSecretId } = await stage.api.seedDynamicSecret({ ...elsewhere, name: 'moved' });
    await own.apply();
    const before = await stage.untilReady('moved');
    await own.apply({ dynamicSecret: { name: 'moved', ...elsewhere } });
    const after = await stage.untilReady('moved');

    expect(after.status).toMatchObject({
      observedGeneration: 2,
      rotations: 1,
      lease: { path: '/other' },
      dynamicSecret: { id: dynamicSecretId },
      retiring: [{ id: before.status.lease?.id, path: '/' }],
    });
    expect(await own.live()).toEqual([before.status.lease?.id]);
    expect((await stage.secret('moved'))?.['DB_USERNAME']).toBe(after.status.lease?.externalEntityId);
  });

  it.each([
    ['name', 'by-name-too'],
    ['projectSlug', 'stock'],
    ['environmentSlug', 'dev'],
  ])('begins anew at once when dynamicSecret.%s changes', async (field, value) => {
    const first = { name: `by-${field.toLowerCase()}`, projectSlug: 'shop', environmentSlug: 'prod' };
    const second = { ...first, [field]: value };
    const own = await ownLease(stage, first.name);
    await stage.api.seedProject({ slug: second.projectSlug, environments: [{ slug: 'dev', folders: [] }] });
    const { dynamicSecretId } = await stage.api.seedDynamicSecret(second);
    const projects = ['shop', 'stock'].map((projectSlug) => ({ projectSlug }));
    const identity = await stage.api.seedIdentity({ grants: projects });
    await stage.apply(...connectionObjects({ api: stage.api, identity }, { name: `reaches-${own.name}` }));
    const connectionRef = { name: `reaches-${own.name}` };
    await own.apply({ connectionRef });
    const before = await stage.untilReady(own.name);
    await own.apply({ connectionRef, dynamicSecret: second });
    const after = await stage.untilReady(own.name);

    const { name: dynamicSecret, ...place } = second;
    expect(after.status).toMatchObject({
      rotations: 1,
      lease: { dynamicSecret, ...place },
      dynamicSecret: { id: dynamicSecretId },
      retiring: [{ id: before.status.lease?.id, dynamicSecret: first.name }],
    });
  });

  it('begins anew at once by a connection to another server; the old lease is revoked by the old one', async () => {
    await using other = await ownServer({}, { name: 'settler' });
    const own = await ownLease(stage, 'settler');
    const revocation = { onRotation: 'Revoke', gracePeriod: '1s' };
    await stage.apply(...connectionObjects(other, { name: 'abroad' }));
    await own.apply({ revocation });
    await stage.untilReady('settler');
    await own.apply({ revocation, connectionRef: { name: 'abroad' } });
    const after = await stage.untilLease('settler', (lease) => isReady(lease) && lease.generation === 2);
    expect(after.status.lease?.connection).toMatchObject({ name: 'abroad', host: other.api.url });
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'the revocation' });
    expect(await own.events()).toEqual(['made', 'revoked']);
    expect((await other.api.live()).leases.map(({ leaseId }) => leaseId)).toEqual([after.status.lease?.id]);
  });

  it('begins anew at once on another server, and ends on both', async () => {
    await using other = await ownServer({}, { name: 'emigrant' });
    const own = await ownLease(stage, 'emigrant');
    await stage.apply(...connectionObjects(stage, { name: 'border' }));
    await own.apply({ connectionRef: { name: 'border' } });
    const before = await stage.untilReady('emigrant');
    await stage.apply(...connectionObjects(other, { name: 'border' }));
    const after = await stage.untilLease(
      'emigrant',
      (lease) => isReady(lease) && lease.status.rotations === 1,
    );
    expect(after.status.lease?.connection.host).toBe(other.api.url);
    expect(after.status.retiring).toMatchObject([
      { id: before.status.lease?.id, connection: { host: stage.api.url } },
    ]);
    expect((await other.api.live()).leases).toHaveLength(1);

    await stage.kubectl('delete', 'dsl', 'emigrant', '--wait=false');
    await stage.untilGone('emigrant');
    expect((await other.api.live()).leases).toEqual([]);
    expect(await own.live()).toEqual([]);
  });

  it('goes on as it is by another connection to the same server', async () => {
    const own = await ownLease(stage, 'renamed');
    await stage.apply(...connectionObjects(stage, { name: 'alias', hostAPI: `${stage.api.url}/api/` }));
    await own.apply();
    const before = await stage.untilReady('renamed');
    await own.apply({ connectionRef: { name: 'alias' } });
    const after = await stage.untilLease('renamed', (lease) => isReady(lease) && lease.generation === 2);

    expect(after.status.lease).toEqual(before.status.lease);
    expect(after.status.rotations).toBe(0);
    expect(await own.events()).toEqual(['made']);
  });

  it('takes up another ttl, config and rotation with the next lease, not before', async () => {
    const own = await ownLease(stage, 'retuned', { firstLife: LATER_ROTATION.life });
    await own.apply({ ttl: '1h', ...LATER_ROTATION.spec });
    const before = (await stage.untilReady('retuned')).status;
    await own.apply({ ttl: '2h', config: { note: { deep: [1, true] } }, rotation: { before: '10%' } });
    const seen = await stage.untilLease('retuned', (lease) => lease.status.observedGeneration === 2);
    expect(seen.status.lease).toEqual(before.lease);
    expect(seen.status.rotateAt).toBe(before.rotateAt);
    expect(conditionOf(seen, 'Ready')?.status).toBe('True');

    const after = (await stage.untilLease('retuned', ({ status }) => status.rotations === 1)).status;
    const lease = defined(after.lease);
    const [end, begin, rotation] = [lease.expireAt, lease.createdAt, after.rotateAt].map((instant) =>
      Date.parse(defined(instant)),
    ) as [number, number, number];
    // The server reads its clock twice.
    expect(Math.round((end - begin) / 1000)).toBe(7200);
    expect(rotation - begin).toBeGreaterThan(0.79 * 7_200_000);
    expect(lease.config).toEqual({ note: { deep: [1, true] } });
    const current = defined((await stage.api.live()).leases.find(({ leaseId }) => leaseId === lease.id));
    expect(current.tag?.attempt).toBe(lease.attempt);
    expect(await own.events()).toEqual(['made', 'made']);
  });

  it('patches labels and annotations of the Secret once, and keeps those of others', async () => {
    const own = await ownLease(stage, 'dressed');
    await own.apply({
      secret: { labels: { kept: 'one', dropped: 'x' }, annotations: { 'example.com/dropped': 'y' } },
    });
    const before = await stage.untilReady('dressed');
    await stage.kubectl('label', 'secret', 'dressed', 'theirs=stays');
    await stage.kubectl('annotate', 'secret', 'dressed', 'theirs/too=stays');
    const data = await stage.secret('dressed');
    // What others write is read once; not here, where the operator's own requests are looked at.
    await untilCaughtUp(stage, 'dressed-before');
    const since = await stage.plane.audit.mark();
    await own.apply({ secret: { labels: { kept: 'two' }, annotations: { 'example.com/added': 'z' } } });
    const after = await stage.untilReady('dressed');

    const secret = await stage.secretObject('dressed');
    expect(secret?.metadata.labels).toEqual({ kept: 'two', theirs: 'stays', [MANAGED_LABEL]: 'true' });
    expect(Object.keys(secret?.metadata.annotations ?? {}).toSorted()).toEqual([
      'example.com/added',
      RECORD_ANNOTATION,
      'theirs/too',
    ]);
    expect(secret?.data).toEqual(data);
    expect(after.status.lease).toEqual(before.status.lease);
    expect(after.status.secret?.resourceVersion).toBe(secret?.metadata.resourceVersion);
    expect(await requestsFor(stage, 'dressed', since)).toEqual([
      'patch secrets',
      'patch dynamicsecretleases/status',
    ]);
    expect(await own.events()).toEqual(['made']);
  });

  it('does not notice labels and annotations of the object itself', async () => {
    const own = await ownLease(stage, 'touched');
    await own.apply();
    await stage.untilReady('touched');
    const since = await stage.plane.audit.mark();
    await stage.kubectl('label', 'dsl', 'touched', 'team=orders');
    await stage.kubectl('annotate', 'dsl', 'touched', 'example.com/note=mine');
    await untilCaughtUp(stage, 'touched-marker');

    expect(await requestsFor(stage, 'touched', since)).toEqual([]);
    expect(await own.events()).toEqual(['made']);
  });

  it('has one owner: a second object for the same Secret is refused', async () => {
    const own = await ownLease(stage, 'owner');
    await own.apply();
    const owner = await stage.untilReady('owner');
    const dynamicSecret = { name: 'owner', projectSlug: 'shop', environmentSlug: 'prod' };
    await stage.apply(leaseManifest('rival', { dynamicSecret, secret: { name: 'owner' } }));
    const rival = await stage.untilLease('rival', (lease) => conditionOf(lease, 'Ready') !== undefined);

    expect(conditionOf(rival, 'Ready')).toMatchObject({ status: 'False', reason: 'SecretConflict' });
    expect(conditionOf(rival, 'Ready')?.message).toContain('Secret owner ');
    expect((await stage.lease('owner'))?.status).toEqual(owner.status);
    // The Secret carries our label, so its owner was known before a lease was spent.
    expect(await own.events()).toEqual(['made']);

    await stage.kubectl('delete', 'dsl', 'owner', '--wait=false');
    await stage.untilGone('owner');
    await stage.untilReady('rival');
  });

  it('has one owner also where two objects for the same Secret begin at once: the other costs one lease at most', async () => {
    const dynamicSecret = { name: 'twins', projectSlug: 'shop', environmentSlug: 'prod' };
    await ownLease(stage, 'twins');
    const secret = { name: 'twins' };
    await stage.apply(
      leaseManifest('twin-a', { dynamicSecret, secret }),
      leaseManifest('twin-b', { dynamicSecret, secret }),
    );
    const ready = async (): Promise<readonly string[]> => {
      const twins = await Promise.all(['twin-a', 'twin-b'].map((name) => stage.lease(name)));
      return twins.flatMap((twin) => (twin !== undefined && isReady(twin) ? [twin.name] : []));
    };
    await awaitCondition(async () => (await ready()).length > 0, { what: 'one of them' });
    const [winner] = await ready();
    const other = winner === 'twin-a' ? 'twin-b' : 'twin-a';
    const refused = await stage.untilLease(
      other,
      (lease) => conditionOf(lease, 'Ready')?.reason === 'SecretConflict',
    );
    expect(conditionOf(refused, 'Ready')?.message).toContain('Secret twins ');
    const live = async (): Promise<number> =>
      (await stage.api.live()).leases.filter((lease) => lease.dynamicSecret === 'twins').length;
    await awaitCondition(async () => (await live()) === 1, { what: 'the revocation of the other' });
    const events = (await stage.ledger('twins')).map(({ event }) => event);
    expect(events.filter((event) => event === 'made').length).toBeLessThanOrEqual(2);
    expect(await ready()).toEqual([winner]);
  });

  it('refused as it is applied stays as it was, and a good change heals one that was accepted and cannot be met', async () => {
    const own = await ownLease(stage, 'mistaken', { maxTTL: '2h' });
    await own.apply();
    const before = await stage.untilReady('mistaken');
    const dynamicSecret = { name: 'mistaken', projectSlug: 'shop', environmentSlug: 'prod' };
    const said = await stage.refusal(leaseManifest('mistaken', { dynamicSecret, ttl: 'soon' }));
    expect(said).toContain('spec.ttl');
    expect(await stage.lease('mistaken')).toEqual(before);

    await own.apply({ dynamicSecret: { ...dynamicSecret, path: '/no/where' } });
    const lost = await stage.untilLease(
      'mistaken',
      (lease) => conditionOf(lease, 'Ready')?.reason === 'TargetNotFound',
    );
    expect(lost.status.lease?.id).toBe(before.status.lease?.id);
    await own.apply();
    const healed = await stage.untilReady('mistaken');
    expect(healed.status.lease?.id).toBe(before.status.lease?.id);
    expect(conditionOf(healed, 'Reconciling')?.status).toBe('False');
    expect(await own.events()).toEqual(['made']);
  });
});
