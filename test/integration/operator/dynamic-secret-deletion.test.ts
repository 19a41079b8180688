import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { conditionOf, startStage, type Stage } from '../../support/stage.ts';
import { leaseByHand } from './support/by-hand.ts';
import { declared, place, says, type Declared } from './support/declared.ts';

let stage: Stage;
let operator: OperatorProcess;

beforeAll(async () => {
  stage = await startStage();
  operator = await stage.startOperator({ scale: 0.05 });
});
afterAll(() => stage[Symbol.asyncDispose]());

let count = 0;

/** A namespace with a server of its own, and there a dynamic secret that exists as declared. */
async function begun(spec: Readonly<Record<string, unknown>> = {}): Promise<Declared> {
  count += 1;
  const own = await declared(stage, `leaving-${String(count)}`);
  await own.apply(spec);
  await own.untilReady();
  await own.sent();
  return own;
}

describe('the deletion of a DynamicSecret', () => {
  it('removes it from the server', async () => {
    await using own = await begun();
    await own.remove();
    await own.untilGone();
    expect(await own.names()).toEqual([]);
    expect(await own.sent()).toEqual([{ method: 'DELETE', body: { ...place, isForced: false } }]);
  });

  it('waits for the leases that refer to it and names them, and goes on by itself', async () => {
    await using own = await begun();
    await own.lease('reader');
    await own.untilLeased('reader');
    await own.remove();
    const seen = await own.until((one) => says(one, 'Reconciling', 'True') === 'InUse');
    expect(conditionOf(seen, 'Reconciling')?.message).toContain('reader');
    expect(await own.names()).toEqual(['orders-redis']);
    await own.remove('dsl/reader');
    await own.untilGone();
    expect(await own.names()).toEqual([]);
    expect((await own.api.live()).leases).toEqual([]);
  });

  it('leaves it there where the spec says Retain', async () => {
    await using own = await begun({ deletionPolicy: 'Retain' });
    await own.remove();
    await own.untilGone();
    expect(await own.names()).toEqual(['orders-redis']);
  });

  it('follows a revocation that fails to its end: it says so, and goes on when it works again', async () => {
    await using own = await begun();
    await leaseByHand(own);
    const { faultId } = await own.api.armFault({
      match: { times: 'always' },
      action: { type: 'revocation-fails' },
    });
    await own.remove();
    const seen = await own.until((one) => says(one, 'Reconciling', 'True') === 'RemovalFailed', 60);
    expect(conditionOf(seen, 'Reconciling')?.message).toContain('leaseholder.dev/force-delete');
    expect(await own.names()).toEqual(['orders-redis']);
    await own.api.disarmFaults({ faultId });
    await own.untilGone(undefined, 90);
    expect(await own.names()).toEqual([]);
    expect((await own.api.live()).leases).toEqual([]);
  });

  it('is forced by annotation after the first failure', async () => {
    await using own = await begun();
    await leaseByHand(own);
    await own.api.armFault({ match: { times: 'always' }, action: { type: 'revocation-fails' } });
    await own.kubectl('annotate', 'dynamicsecret/orders', 'leaseholder.dev/force-delete=true');
    await own.remove();
    await own.untilGone(undefined, 60);
    expect(await own.names()).toEqual([]);
    expect(await own.sent()).toContainEqual({ method: 'DELETE', body: { ...place, isForced: true } });
  });

  it('keeps its connection until it is gone', async () => {
    await using own = await begun();
    await own.kubectl('delete', 'infisicalconnection/infisical', '--wait=false');
    await own.remove();
    await own.untilGone();
    await own.untilGone('infisicalconnection/infisical');
    expect(await own.names()).toEqual([]);
  });

  it('comes with that of its namespace', async () => {
    await using own = await begun();
    await own.lease('reader');
    await own.untilLeased('reader');
    await removeNamespace(own);
    expect(await own.names()).toEqual([]);
    expect((await own.api.live()).leases).toEqual([]);
    expect(leftOf(own)).toEqual([]);
  });

  it('keeps a namespace that is being deleted for its time and no longer, and that is told', async () => {
    await using own = await begun();
    await leaseByHand(own);
    await own.api.armFault({ match: { times: 'always' }, action: { type: 'revocation-fails' } });
    await removeNamespace(own);
    expect(await own.names()).toEqual(['orders-redis']);
    await awaitCondition(() => Promise.resolve(leftOf(own).length > 0), { what: 'what is left' });
    expect(leftOf(own)).toEqual(['timeout']);
  });
});

async function removeNamespace({ namespace }: Declared): Promise<void> {
  await stage.kubectl('delete', 'namespace', namespace, '--timeout=120s');
}

/** Why the operator says that it left a dynamic secret of a namespace on the server. */
function leftOf({ namespace }: Declared): readonly unknown[] {
  return operator.lines
    .filter(({ msg }) => msg === 'A dynamic secret is left on the server.')
    .filter(({ object }) => object === `${namespace}/orders`)
    .map(({ why }) => why);
}
