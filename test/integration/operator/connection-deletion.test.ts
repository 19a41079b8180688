import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { freePorts } from '../../../sandbox/control-plane/ports.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { CONNECTION_FINALIZER } from '../../../src/api/names.ts';
import { conditionOf, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { EARLY_ROTATION } from './support/own-lease.ts';
import { CONNECTION, CREDENTIAL, LEASE, tenant, type Tenant } from './support/tenant.ts';

/**
 * How long the namespace controller may take over a namespace beside what its objects take: it looks again some eight
 * seconds after it found objects that finalizers keep.
 */
const NAMESPACE_SECONDS = 30;

/** Deleting means gone (I4), in whatever order a lease, its connection, its credential and its namespace go. */
describe.concurrent('what leases need is deleted while the operator runs', () => {
  let stage: Stage;
  let operator: OperatorProcess;
  let metricsAddress: string;

  beforeAll(async () => {
    stage = await startStage();
    const [port] = await freePorts(1);
    metricsAddress = `127.0.0.1:${String(port)}`;
    operator = await stage.startOperator({ scale: 0.05, flags: ['--listen', metricsAddress] });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it('a connection in use stays, works, says why, and goes with the last lease', async () => {
    const seed = { lifeOverride: EARLY_ROTATION.life };
    await using shop = await tenant(stage, 'kept', { seed, spec: EARLY_ROTATION.spec });
    await shop.remove(CONNECTION, CREDENTIAL);
    const held = await shop.untilConnection(isWaiting);
    expect(held.finalizers).toEqual([CONNECTION_FINALIZER]);
    expect(conditionOf(held, 'Ready')).toMatchObject({ status: 'True', reason: 'LoggedIn' });
    const words = 'Deletion waits for the leases and dynamic secrets that use this connection.';
    expect(conditionOf(held, 'Reconciling')?.message).toBe(words);
    await awaitCondition(async () => (await shop.kubectl('describe', CONNECTION)).includes(words), {
      what: 'the condition or event',
    });
    await awaitCondition(async () => (await shop.events('InUse')).length > 0, { what: 'the event' });

    const rotations = (await shop.lease())?.status.rotations ?? 0;
    await awaitCondition(async () => ((await shop.lease())?.status.rotations ?? 0) > rotations, {
      what: 'another rotation',
    });
    expect((await stage.connection('infisical', 'kept'))?.uid).toBe(held.uid);
    expect(await shop.events('InUse')).toEqual([words]);
    await shop.remove(LEASE);
    await shop.untilGone(LEASE);
    await shop.untilGone(CONNECTION);
    expect(await shop.live()).toBe(0);
    expect(shop.left(operator)).toEqual([]);
  });

  it('a connection is kept no longer than its last lease lives, though it stays', async () => {
    await using shop = await tenant(stage, 'unused');
    await stage.apply(leaseManifest('second', {}, { namespace: 'unused' }));
    await shop.kubectl('wait', 'dsl/second', '--for=condition=Ready', '--timeout=60s');
    await shop.remove(LEASE);
    await shop.untilGone(LEASE);
    expect((await stage.connection('infisical', 'unused'))?.finalizers).toEqual([CONNECTION_FINALIZER]);
    await shop.remove('dsl/second');
    const freed = await shop.untilConnection(({ finalizers }) => finalizers.length === 0);
    expect(freed.deletedAt).toBeUndefined();
    expect(conditionOf(freed, 'Ready')?.status).toBe('True');
  });

  it('a connection without leases goes at once', async () => {
    await using shop = await tenant(stage, 'idle');
    await shop.remove(LEASE);
    await shop.untilConnection(({ finalizers }) => finalizers.length === 0);
    await shop.kubectl('delete', CONNECTION, '--timeout=60s');
    expect(await shop.events('InUse')).toEqual([]);
  });

  it.each<[string, string, readonly string[]]>([
    ['the connection first', 'connection-first', [CONNECTION, LEASE]],
    ['the lease first', 'lease-first', [LEASE, CONNECTION]],
    ['the credential first', 'credential-first', [CREDENTIAL, CONNECTION, LEASE]],
    ['the credential, then the lease', 'credential-lease', [CREDENTIAL, LEASE, CONNECTION]],
  ])('%s: the lease is revoked, and everything goes', async (_what, namespace, objects) => {
    await using shop = await tenant(stage, namespace);
    await shop.remove(...objects);
    for (const object of objects) await shop.untilGone(object);
    expect(await shop.live()).toBe(0);
    expect(shop.left(operator)).toEqual([]);
    expect(await shop.events('LeaseLeft')).toEqual([]);
  });

  it('the namespace with all of it: the leases are revoked, and it goes', async () => {
    await using shop = await tenant(stage, 'whole');
    const others = Array.from({ length: 10 }, (_, index) => `another-${String(index)}`);
    await stage.apply(...others.map((name) => leaseManifest(name, {}, { namespace: 'whole' })));
    await shop.kubectl('wait', 'dsl', '--all', '--for=condition=Ready', '--timeout=60s');
    expect(await shop.live()).toBe(11);
    await shop.removeNamespace();
    await shop.untilNamespaceGone(NAMESPACE_SECONDS);
    expect(await shop.live()).toBe(0);
    expect(leftIn('whole')).toEqual([]);
  });

  it('a namespace whose server is away is held up no longer than revocation.timeout, and that is told', async () => {
    await using shop = await tenant(stage, 'stranded', { spec: { revocation: { timeout: '5s' } } });
    const before = await abandonedCount();
    await shop.server.api.pause();
    await shop.removeNamespace();
    await shop.untilNamespaceGone(5 + NAMESPACE_SECONDS);
    expect(shop.left(operator)).toEqual(['timeout']);
    expect(await abandonedCount()).toBeGreaterThan(before);
  });

  it('a lease that is left is told by an event, where the namespace stays', async () => {
    await using shop = await tenant(stage, 'told', { spec: { revocation: { timeout: '3s' } } });
    await shop.server.api.pause();
    await shop.remove(CONNECTION, LEASE);
    await shop.untilGone(LEASE);
    await shop.untilGone(CONNECTION);
    await awaitCondition(async () => (await shop.events('LeaseLeft')).length > 0, { what: 'the event' });
    expect(await shop.events('LeaseLeft')).toEqual([
      'A lease could not be revoked within spec.revocation.timeout and is left to run out.',
    ]);
    expect(shop.left(operator)).toEqual(['timeout']);
    const [about] = await aboutOf(shop);
    expect(about).toBe('Warning LeaseLeft DynamicSecretLease/orders-db leaseholder');
  });

  /** Why leases of a namespace were left, whatever their objects. */
  function leftIn(namespace: string): readonly unknown[] {
    const ours = operator.lines.filter(
      ({ msg, object }) =>
        msg === 'A lease is left to run out.' && String(object).startsWith(`${namespace}/`),
    );
    return ours.map(({ why }) => why);
  }

  async function abandonedCount(): Promise<number> {
    const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
    const line = text
      .split('\n')
      .find((one) => one.startsWith('leaseholder_revocations_total{result="abandoned"}'));
    return Number(line?.split(' ').at(-1) ?? 0);
  }
});

function isWaiting(connection: Parameters<typeof conditionOf>[0]): boolean {
  return conditionOf(connection, 'Reconciling')?.reason === 'InUse';
}

/** What kinds of things kubectl shows of the events about leases that were left. */
async function aboutOf(shop: Tenant): Promise<readonly string[]> {
  const path =
    '{range .items[*]}{.type} {.reason} {.involvedObject.kind}/{.involvedObject.name} {.reportingComponent}{"\\n"}{end}';
  const text = await shop.kubectl('get', 'events', '-o', `jsonpath=${path}`);
  return text.split('\n').filter((line) => line.includes('LeaseLeft'));
}
