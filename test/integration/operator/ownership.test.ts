import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { MANAGED_LABEL, RECORD_ANNOTATION } from '../../../src/api/names.ts';
import { conditionOf, connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { ownLease } from './support/own-lease.ts';

const theirs = { THEIRS: 'theirs' };

function offeredTo(name: string): object {
  return { annotations: { 'leaseholder.dev/adopt-by': name } };
}

/** Whose a Secret is, and how it changes hands. Each test has objects and Secrets of its own. */
describe.concurrent('a Secret', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const foreignSecret = (name: string, more: object = {}): Promise<void> =>
    stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'default', ...more },
      stringData: theirs,
    });
  const refused = (name: string): ReturnType<Stage['untilLease']> =>
    stage.untilLease(name, (lease) => conditionOf(lease, 'Ready')?.reason === 'SecretConflict');

  it('gets another name without a gap: the old one stays for as long as its lease', async () => {
    const own = await ownLease(stage, 'moving');
    const revocation = { onRotation: 'Revoke', gracePeriod: '15s' };
    await own.apply({ revocation });
    await stage.untilReady('moving');
    const before = await stage.secret('moving');
    await own.apply({ revocation, secret: { name: 'moved' } });
    const after = await stage.untilLease(
      'moving',
      (lease) => isReady(lease) && lease.status.secret?.name === 'moved',
    );
    expect(await stage.secret('moving')).toEqual(before);
    expect((await stage.secret('moved'))?.['DB_USERNAME']).toBe(after.status.lease?.externalEntityId);
    await awaitCondition(async () => (await stage.secret('moving')) === undefined, {
      what: 'the old Secret to go',
      timeoutMs: 60_000,
    });
    expect(await own.events()).toEqual(['made', 'made', 'revoked']);
  });

  it('of somebody else is not touched, and is none of the object that offers to adopt it to another', async () => {
    const own = await ownLease(stage, 'refusing');
    await foreignSecret('refusing', offeredTo('another'));
    const before = await stage.secretObject('refusing');
    await own.apply({ secret: { adoption: 'Adopt' } });
    expect(conditionOf(await refused('refusing'), 'Ready')?.message).toContain('Secret refusing ');
    expect(await stage.secretObject('refusing')).toEqual(before);
  });

  it('that offers itself is taken over where the spec says so', async () => {
    const own = await ownLease(stage, 'adopting');
    await foreignSecret('adopting', offeredTo('adopting'));
    await own.apply({ secret: { adoption: 'Adopt' } });
    const { status } = await stage.untilReady('adopting');
    const data = await stage.secret('adopting');
    expect(data).not.toHaveProperty('THEIRS');
    expect(data?.['DB_USERNAME']).toBe(status.lease?.externalEntityId);
    expect(await own.events()).toEqual(['made']);
    await stage.kubectl('delete', 'dsl', 'adopting', '--timeout=60s');
    expect(await stage.secret('adopting')).toBeUndefined();
  });

  it('of another type is not taken over, and costs no lease for each try', async () => {
    const own = await ownLease(stage, 'typed');
    const type = 'kubernetes.io/basic-auth';
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'typed', namespace: 'default', ...offeredTo('typed') },
      type,
      stringData: { username: 'theirs' },
    });
    await own.apply({ secret: { adoption: 'Adopt' } });
    await stage.untilLease('typed', (lease) => conditionOf(lease, 'Ready')?.reason === 'SecretRefused');
    expect(await stage.secret('typed')).toEqual({ username: 'theirs' });
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'the revocation' });
    expect(await own.events()).toEqual(['made', 'revoked']);
  });

  it('goes from one object to another when the first names another Secret', async () => {
    const one = await ownLease(stage, 'leaver');
    const other = await ownLease(stage, 'heir');
    await one.apply({ secret: { name: 'inherited' } });
    await stage.untilReady('leaver');
    await other.apply({ secret: { name: 'inherited' } });
    expect(conditionOf(await refused('heir'), 'Ready')?.message).toContain('DynamicSecretLease leaver');
    expect(await other.events()).toEqual([]);
    await one.apply({ secret: { name: 'leavers-own' } });
    const { status } = await stage.untilReady('heir');
    expect((await stage.secret('inherited'))?.['DB_USERNAME']).toBe(status.lease?.externalEntityId);
    await stage.untilLease(
      'leaver',
      (lease) => isReady(lease) && lease.status.secret?.name === 'leavers-own',
    );
  });

  it('is left where the spec says Retain, without a mark, and with a word about its credentials', async () => {
    const own = await ownLease(stage, 'retained');
    await own.apply({ secret: { deletionPolicy: 'Retain', labels: { team: 'orders' } } });
    await stage.untilReady('retained');
    const data = await stage.secret('retained');
    await stage.kubectl('delete', 'dsl', 'retained', '--timeout=60s');
    const { metadata } = (await stage.secretObject('retained')) ?? {};
    expect(await stage.secret('retained')).toEqual(data);
    expect(metadata?.labels).toEqual({ team: 'orders' });
    expect(metadata?.annotations).not.toHaveProperty(RECORD_ANNOTATION);
    expect(metadata?.labels).not.toHaveProperty(MANAGED_LABEL);
    const told = (): Promise<string> =>
      stage.kubectl('get', 'events', '--field-selector=reason=SecretRetained', '-o', 'jsonpath={..message}');
    await awaitCondition(async () => (await told()).includes('do not work'), { what: 'the event' });
    expect(await own.live()).toEqual([]);
    // Nobody owns it: the garbage collector leaves it.
    const owners = await stage.kubectl(
      'get',
      'secret',
      'retained',
      '-o',
      'jsonpath={.metadata.ownerReferences}',
    );
    expect(owners).toBe('');
  });
});
