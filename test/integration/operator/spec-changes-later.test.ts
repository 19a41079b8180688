import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { restartKey } from '../../../src/restart/annotation.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { deploymentsOf, grantRestarts, type Deployments } from './support/deployments.ts';
import { requestsFor, untilCaughtUp } from './support/observe.ts';
import { LATER_ROTATION, ownLease } from './support/own-lease.ts';

const HOUR = 3_600_000;

/** Changes of the spec that act when their time comes, and of the Secret's looks: rows of docs/spec-changes.md. */
describe.concurrent('a lease whose object is changed', () => {
  let stage: Stage;
  let deployments: Deployments;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await grantRestarts(stage);
    deployments = deploymentsOf(stage);
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const seen = (name: string, generation: number): Promise<LeaseRecord> =>
    stage.untilLease(name, ({ status }) => status.observedGeneration === generation);
  /** Asks for the next lease, and waits for it. */
  const rotate = async (name: string, rotations: number): Promise<LeaseRecord> => {
    await stage.kubectl(
      'annotate',
      '--overwrite',
      'dsl',
      name,
      `leaseholder.dev/rotate=${String(rotations)}`,
    );
    return stage.untilLease(name, (lease) => isReady(lease) && lease.status.rotations === rotations);
  };

  it('takes up another strategy with the next rotation, whose time stands', async () => {
    const own = await ownLease(stage, 'lengthened', { firstLife: LATER_ROTATION.life, defaultTTL: '1h' });
    const { rotation } = LATER_ROTATION.spec;
    await own.apply({ rotation });
    const before = await stage.untilReady('lengthened');
    await own.apply({ rotation: { ...rotation, strategy: 'Renew' } });
    const { status } = await seen('lengthened', 2);
    expect(status.lease).toEqual(before.status.lease);
    expect(status.rotateAt).toBe(before.status.rotateAt);

    const after = await stage.untilLease('lengthened', (lease) => lease.status.lease?.renewals === 1);
    expect(after.status.lease?.id).toBe(before.status.lease?.id);
    expect(after.status.rotations).toBe(0);
  });

  it('ends replaced leases another way from then on: what was replaced before stays as it is', async () => {
    const own = await ownLease(stage, 'parted');
    await own.apply();
    await stage.untilReady('parted');
    const first = await rotate('parted', 1);
    expect(first.status.retiring).toHaveLength(1);
    expect(first.status.retiring?.[0]).not.toHaveProperty('revokeAfter');

    await own.apply({ revocation: { onRotation: 'Revoke', gracePeriod: '1h' } });
    expect((await seen('parted', 2)).status.retiring).toEqual(first.status.retiring);
    const second = (await rotate('parted', 2)).status.retiring ?? [];
    expect(second.find(({ id }) => id === first.status.retiring?.[0]?.id)).not.toHaveProperty('revokeAfter');
    const replaced = second.find(({ id }) => id === first.status.lease?.id);
    const wait = Date.parse(replaced?.revokeAfter ?? '') - Date.now();
    expect(wait).toBeGreaterThan(0.9 * HOUR);
    expect(wait).toBeLessThanOrEqual(HOUR);

    await own.apply({ revocation: { onRotation: 'Revoke', gracePeriod: '1s' } });
    expect((await seen('parted', 3)).status.retiring).toEqual(second);
  });

  it('is left to run out at its deletion, where the spec says so by then', async () => {
    const own = await ownLease(stage, 'left');
    await own.apply();
    const { status } = await stage.untilReady('left');
    await own.apply({ revocation: { onDelete: 'Expire' } });
    await seen('left', 2);
    expect(await own.events()).toEqual(['made']);
    await stage.kubectl('delete', 'dsl', 'left', '--wait=false');
    await stage.untilGone('left');
    expect(await own.live()).toEqual([status.lease?.id]);
  });

  it('is waited for at its deletion for as long as the spec says by then', async () => {
    const own = await ownLease(stage, 'hurried');
    await own.apply();
    await stage.untilReady('hurried');
    const match = { dynamicSecret: 'hurried', times: 'always' } as const;
    await stage.api.armFault({ match, action: { type: 'revocation-fails' } });
    await stage.kubectl('delete', 'dsl', 'hurried', '--wait=false');
    await awaitCondition(async () => (await own.events()).includes('revoke-failed'), { what: 'a try' });
    // Without it, ten minutes.
    await own.apply({ revocation: { timeout: '1s' } });
    await stage.untilGone('hurried');
    expect(await own.live()).toHaveLength(1);
  });

  it('has its Secret of another type under another name, at once, and never under the same', async () => {
    const own = await ownLease(stage, 'typed', { data: { username: 'u', password: 'p' } });
    const type = 'kubernetes.io/basic-auth';
    await own.apply();
    await stage.untilReady('typed');
    expect(await stage.refusal(own.manifest({ secret: { type } }))).toContain('secret.type is immutable');
    await own.apply({ secret: { type, name: 'typed-otherwise' } });
    await stage.untilLease(
      'typed',
      (lease) => isReady(lease) && lease.status.secret?.name === 'typed-otherwise',
    );
    expect(await stage.secretObject('typed-otherwise')).toMatchObject({ type, data: { username: 'u' } });
    expect((await stage.secretObject('typed'))?.type).toBe('Opaque');
    expect(await own.events()).toEqual(['made', 'made']);
  });

  it.each<[field: string, first: object, second: object, data: Readonly<Record<string, string>>]>([
    ['include', { include: ['A'] }, { include: ['A', 'B'] }, { A: 'a', B: 'b' }],
    ['data', { data: { A: '{{ A }}' } }, { data: { A: '{{ A | upcase }}' } }, { A: 'A' }],
    ['no-data', { data: { A: '{{ A }}' } }, { name: 'keys-no-data' }, { A: 'a', B: 'b' }],
  ])('has other keys at once, with a new lease: %s', async (field, first, second, data) => {
    const own = await ownLease(stage, `keys-${field}`, { data: { A: 'a', B: 'b' } });
    await own.apply({ secret: first });
    await stage.untilReady(own.name);
    await own.apply({ secret: second });
    await stage.untilLease(own.name, (lease) => isReady(lease) && lease.generation === 2);
    expect(await stage.secret(own.name)).toEqual(data);
    expect(await own.events()).toEqual(['made', 'made']);
  });

  it('takes over the Secret in its way when it may', async () => {
    const own = await ownLease(stage, 'adopter');
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'adopter',
        namespace: 'default',
        annotations: { 'leaseholder.dev/adopt-by': 'adopter' },
      },
      stringData: { THEIRS: 'theirs' },
    });
    await own.apply();
    await stage.untilLease('adopter', (lease) => conditionOf(lease, 'Ready')?.reason === 'SecretConflict');
    expect(await stage.secret('adopter')).toEqual({ THEIRS: 'theirs' });
    await own.apply({ secret: { adoption: 'Adopt' } });
    const { status } = await stage.untilReady('adopter');
    expect((await stage.secret('adopter'))?.['DB_USERNAME']).toBe(status.lease?.externalEntityId);
    expect(await own.live()).toEqual([status.lease?.id]);
  });

  it('leaves its Secret when it goes, where the spec says so by then; nothing else comes of it', async () => {
    const own = await ownLease(stage, 'staying');
    await own.apply();
    await stage.untilReady('staying');
    const data = await stage.secret('staying');
    const since = await stage.plane.audit.mark();
    await own.apply({ secret: { deletionPolicy: 'Retain' } });
    await seen('staying', 2);
    await untilCaughtUp(stage, 'staying-marker');
    expect(await requestsFor(stage, 'staying', since)).toEqual(['patch dynamicsecretleases/status']);
    expect(await own.events()).toEqual(['made']);
    await stage.kubectl('delete', 'dsl', 'staying', '--wait=false');
    await stage.untilGone('staying');
    expect(await stage.secret('staying')).toEqual(data);
  });

  it('restarts what it names with the next rotation, not before', async () => {
    const own = await ownLease(stage, 'rolled');
    await deployments.apply('rolled');
    await own.apply();
    await stage.untilReady('rolled');
    await rotate('rolled', 1);
    await own.apply({ restart: [{ kind: 'Deployment', name: 'rolled' }] });
    const named = await seen('rolled', 2);
    await untilCaughtUp(stage, 'rolled-marker');
    expect(named.status).not.toHaveProperty('restart');
    expect(await deployments.templateOf('rolled')).toEqual({});

    const { status } = await rotate('rolled', 2);
    const key = restartKey('rolled');
    await awaitCondition(async () => key in (await deployments.templateOf('rolled')), {
      what: 'the restart',
    });
    expect(await deployments.templateOf('rolled')).toEqual({ [key]: status.lease?.id });
  });
});
