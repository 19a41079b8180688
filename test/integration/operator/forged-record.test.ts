import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { RECORD_ANNOTATION } from '../../../src/api/names.ts';
import type { SecretRecord } from '../../../src/api/record.ts';
import type { LeaseRecord } from '../../../src/reconcile/ports.ts';
import { connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { untilEvent } from './support/observe.ts';
import { ownLease, type OwnLease } from './support/own-lease.ts';

/**
 * A tenant can edit Secrets, and so the record in them. Whatever he writes there, no lease but the object's own is
 * ever revoked for it (I3).
 */
describe('a record that a tenant has written', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    operator = await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const write = async (secret: string, annotation: string | null): Promise<void> => {
    const metadata = { annotations: { [RECORD_ANNOTATION]: annotation } };
    await stage.kubectl('patch', 'secret', secret, '--type=merge', '-p', JSON.stringify({ metadata }));
  };
  /** The tenant's own object, and the victim's; both ready. */
  const stagePair = async (
    name: string,
  ): Promise<{ own: OwnLease; victim: OwnLease; record: SecretRecord; theirs: SecretRecord }> => {
    const [own, victim] = [await ownLease(stage, name), await ownLease(stage, `${name}-victim`)];
    await own.apply();
    await victim.apply();
    await stage.untilReady(name);
    await stage.untilReady(victim.name);
    const [record, theirs] = [await own.record(), await victim.record()];
    if (record === undefined || theirs === undefined) throw new Error('There are no records.');
    return { own, victim, record, theirs };
  };
  const untilRotated = (name: string): Promise<LeaseRecord> =>
    stage.untilLease(name, (lease) => isReady(lease) && lease.status.rotations === 1);
  /** Deletes the tenant's object and expects that all of its own leases go, and nothing of the victim's. */
  const expectOwnEnd = async (own: OwnLease, victim: OwnLease): Promise<void> => {
    await stage.kubectl('delete', 'dsl', own.name, '--wait=false');
    await stage.untilGone(own.name);
    expect(await own.live()).toEqual([]);
    expect(await victim.events()).toEqual(['made']);
    expect((await victim.record())?.lease.id).toBe((await victim.live())[0]);
  };

  it('that names another object’s lease is ignored and told of; a lease heals it', async () => {
    const { own, victim, record, theirs } = await stagePair('borrowed');
    await write('borrowed', JSON.stringify(theirs));
    const healed = await untilRotated('borrowed');

    expect(healed.status.lease?.dynamicSecret).toBe('borrowed');
    expect(healed.status.retiring).toMatchObject([{ id: record.lease.id }]);
    expect(await own.events()).toEqual(['made', 'made']);
    await expect
      .poll(() => operator.lines)
      .toContainEqual(
        expect.objectContaining({ level: 'warn', object: 'default/borrowed', lease: theirs.lease.id }),
      );
    await untilEvent(stage, 'borrowed', 'RecordRefused');
    await expectOwnEnd(own, victim);
  });

  it('that names another object’s lease under its own names is ignored as well', async () => {
    const { own, victim, record, theirs } = await stagePair('disguised');
    const forged = { ...record, lease: { ...record.lease, id: theirs.lease.id } };
    await write('disguised', JSON.stringify(forged));
    const healed = await untilRotated('disguised');

    expect(healed.status.retiring).toMatchObject([{ id: record.lease.id }]);
    await expectOwnEnd(own, victim);
  });

  it('that says it had replaced another object’s lease takes nothing along', async () => {
    const { own, victim, record, theirs } = await stagePair('embraced');
    await write('embraced', JSON.stringify({ ...record, previous: [theirs.lease] }));
    // A rotation after it: what is replaced now is the tenant's own.
    await own.apply({ dynamicSecret: { name: 'orders', projectSlug: 'shop', environmentSlug: 'prod' } });
    const moved = await untilRotated('embraced');
    expect(moved.status.retiring?.map(({ id }) => id)).toEqual([record.lease.id]);
    await write('embraced', JSON.stringify({ ...(await own.record()), previous: [theirs.lease] }));
    await expectOwnEnd(own, victim);
  });

  it('while no operator runs, with the status that speaks against it gone, is ignored too', async () => {
    const { own, victim, theirs } = await stagePair('quiet');
    await operator.kill();
    await write('quiet', JSON.stringify({ ...theirs, previous: [theirs.lease] }));
    const { status } = (await stage.lease('quiet')) ?? { status: {} };
    const wiped = Object.fromEntries(Object.keys(status).map((key) => [key, null]));
    const patch = JSON.stringify({ status: wiped });
    await stage.kubectl('patch', 'dsl', 'quiet', '--subresource=status', '--type=merge', '-p', patch);
    operator = await stage.startOperator({ scale: 0.05 });
    const healed = await stage.untilReady('quiet');

    expect(healed.status.lease?.dynamicSecret).toBe('quiet');
    expect((await own.record())?.lease.id).toBe(healed.status.lease?.id);
    await stage.kubectl('delete', 'dsl', 'quiet', '--wait=false');
    await stage.untilGone('quiet');
    // Nothing that can be trusted names the first any more, but the server's own list shows whose it is.
    expect(await own.live()).toEqual([]);
    expect(await own.events()).toEqual(expect.arrayContaining(['made', 'made', 'revoked', 'revoked']));
    expect(await victim.events()).toEqual(['made']);
  });

  it.each([
    ['is no JSON', 'nonsense'],
    ['names no lease', '{"lease":{},"previous":[],"digest":""}'],
    ['has an id that leads elsewhere', '../../identities'],
    ['is taken away', null],
  ] as const)('that %s is healed by one lease', async (what, text) => {
    const name = `broken-${what.toLowerCase().replaceAll(' ', '-')}`;
    const { own, victim, record } = await stagePair(name);
    const withId = (id: string): string => JSON.stringify({ ...record, lease: { ...record.lease, id } });
    await write(name, text?.startsWith('..') === true ? withId(text) : text);
    const healed = await untilRotated(name);

    expect(healed.status.retiring).toMatchObject([{ id: record.lease.id }]);
    expect(await own.events()).toEqual(['made', 'made']);
    await expectOwnEnd(own, victim);
  });

  it('that keeps being broken costs one lease in a while, and the object says so', async () => {
    const { own, victim } = await stagePair('contended');
    await write('contended', 'nonsense');
    await untilRotated('contended');
    await write('contended', 'nonsense again');
    const said = await stage.untilLease('contended', ({ status }) =>
      (status.conditions ?? []).some(({ reason }) => reason === 'Contended'),
    );
    expect(said.status.conditions?.find(({ type }) => type === 'Reconciling')?.message).toContain(
      'Secret contended ',
    );
    expect(await own.events()).toEqual(['made', 'made']);
    await expectOwnEnd(own, victim);
  });

  it('whose Secret loses our label gets it back, and no lease is spent on it', async () => {
    const { own, victim, record } = await stagePair('unlabelled');
    await stage.kubectl('label', 'secret', 'unlabelled', 'leaseholder.dev/managed-');
    const labelled = async (): Promise<boolean> =>
      (await stage.secretObject('unlabelled'))?.metadata.labels['leaseholder.dev/managed'] === 'true';
    await awaitCondition(labelled, { what: 'the label' });
    expect((await own.record())?.lease.id).toBe(record.lease.id);
    expect(await own.events()).toEqual(['made']);
    await expectOwnEnd(own, victim);
  });
});
