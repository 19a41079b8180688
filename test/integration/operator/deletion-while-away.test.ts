import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { startStage, type Stage } from '../../support/stage.ts';
import { deleteByForce } from './support/by-force.ts';
import { CONNECTION, CREDENTIAL, LEASE, tenant, type Tenant } from './support/tenant.ts';

const names = [
  'connection-first',
  'lease-first',
  'connection-alone',
  'credential-too',
  'namespace',
  'namespace-kept',
  'by-force',
] as const;

/** Deleting means gone (I4): what was deleted while no operator ran is ended by the next one, which has no session. */
describe.concurrent('what leases need is deleted while no operator runs', () => {
  let stage: Stage;
  let operator: OperatorProcess;
  let tenants: Readonly<Record<(typeof names)[number], Tenant>>;

  beforeAll(async () => {
    stage = await startStage();
    const first = await stage.startOperator({ scale: 0.05 });
    // Where it has to pass. It counts from the deletion, so the others must not depend on how soon there is an operator.
    const brief = { spec: { revocation: { timeout: '15s' } } };
    const choice = (name: string): object => (['credential-too', 'namespace'].includes(name) ? brief : {});
    const made = names.map(async (name) => [name, await tenant(stage, name, choice(name))] as const);
    tenants = Object.fromEntries(await Promise.all(made)) as typeof tenants;
    await first.stop();
    await tenants['connection-first'].remove(CONNECTION, LEASE);
    await tenants['lease-first'].remove(LEASE, CONNECTION);
    await tenants['connection-alone'].remove(CONNECTION);
    await tenants['credential-too'].remove(CREDENTIAL, CONNECTION, LEASE);
    await guardCredential(tenants['namespace-kept'], ['example.com/kept']);
    for (const name of ['namespace', 'namespace-kept'] as const) await tenants[name].removeNamespace();
    await tenants.namespace.untilGone(CREDENTIAL);
    await deleteByForce(stage, 'by-force');
    await tenants['by-force'].remove(LEASE);
    operator = await stage.startOperator({ scale: 0.05 });
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    for (const shop of Object.values(tenants)) await shop[Symbol.asyncDispose]();
  });

  it.each(['connection-first', 'lease-first'] as const)(
    'connection and lease (%s): the connection was kept, and the lease is revoked',
    async (name) => {
      const shop = tenants[name];
      await shop.untilGone(LEASE);
      await shop.untilGone(CONNECTION);
      expect(await shop.live()).toBe(0);
      expect(shop.left(operator)).toEqual([]);
    },
  );

  it('the connection alone: it stays and works until its lease goes', async () => {
    const shop = tenants['connection-alone'];
    await shop.untilConnection(({ status }) =>
      (status.conditions ?? []).some(({ reason }) => reason === 'InUse'),
    );
    expect((await shop.lease())?.deletedAt).toBeUndefined();
    await shop.remove(LEASE);
    await shop.untilGone(LEASE);
    await shop.untilGone(CONNECTION);
    expect(await shop.live()).toBe(0);
    expect(shop.left(operator)).toEqual([]);
  });

  it('the credential too: nobody can log in, so the time for revoking passes, and that is told', async () => {
    const shop = tenants['credential-too'];
    await shop.untilGone(LEASE, 40);
    await shop.untilGone(CONNECTION);
    expect(await shop.live()).toBe(1);
    expect(shop.left(operator)).toEqual(['timeout']);
    await awaitCondition(async () => (await shop.events('LeaseLeft')).length > 0, { what: 'the event' });
  });

  it('the namespace, the credential with it: it goes when the time for revoking is over, and that is told', async () => {
    const shop = tenants.namespace;
    await shop.untilNamespaceGone(60);
    expect(await shop.live()).toBe(1);
    expect(shop.left(operator)).toEqual(['timeout']);
  });

  it('the namespace, where others keep the credential: the lease is revoked', async () => {
    const shop = tenants['namespace-kept'];
    await shop.untilGone(LEASE);
    await shop.untilGone(CONNECTION);
    expect(await shop.live()).toBe(0);
    expect(shop.left(operator)).toEqual([]);
    await guardCredential(shop, null);
    await shop.untilNamespaceGone(30);
  });

  it('the connection by force: nothing leads to the server, so the lease is left at once, and that is told', async () => {
    const shop = tenants['by-force'];
    await shop.untilGone(LEASE);
    expect(await shop.live()).toBe(1);
    await awaitCondition(() => Promise.resolve(shop.left(operator).length > 0), { what: 'what is left' });
    expect(shop.left(operator)).toEqual(['unreachable']);
    await awaitCondition(async () => (await shop.events('LeaseLeft')).length > 0, { what: 'the event' });
  });
});

/** Somebody else keeps the credential, or no longer. */
async function guardCredential(shop: Tenant, wanted: readonly string[] | null): Promise<void> {
  const patch = JSON.stringify({ metadata: { finalizers: wanted } });
  await shop.kubectl('patch', CREDENTIAL, '--type=merge', '-p', patch);
}
