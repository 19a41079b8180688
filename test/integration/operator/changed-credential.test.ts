import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { loginsOf } from './support/login-scene.ts';

/** Milliseconds in which a change is seen where it is watched. Waits are as shipped: looks come after 45 s, hold-offs last up to 60 s. */
const AT_ONCE = 15_000;

describe.concurrent('a credential that is changed in its Secret', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const another = (): Promise<Stage['identity']> =>
    stage.api.seedIdentity({ grants: [{ projectSlug: 'shop', actions: ['lease'] }] });
  const connect = (name: string, identity: Stage['identity'], clientSecret?: string): Promise<void> =>
    stage.apply(
      ...connectionObjects(
        { api: stage.api, identity },
        { name, ...(clientSecret === undefined ? {} : { clientSecret }) },
      ),
    );
  const untilLogins = (identity: Stage['identity'], count: number): Promise<unknown> =>
    awaitCondition(async () => (await loginsOf(stage, identity.identityId)).length >= count, {
      what: 'a login',
      timeoutMs: AT_ONCE,
      intervalMs: 100,
    });
  const untilConnection = (name: string, reason: string): Promise<unknown> =>
    awaitCondition(
      async () => {
        const connection = await stage.connection(name);
        return connection !== undefined && conditionOf(connection, 'Ready')?.reason === reason;
      },
      { what: `connection ${name} to be ${reason}`, timeoutMs: AT_ONCE, intervalMs: 100 },
    );

  it('is logged in with at once, and costs no lease', async () => {
    const [first, second] = await Promise.all([another(), another()]);
    await connect('changed', first);
    await stage.apply(leaseManifest('changed', { connectionRef: { name: 'changed' } }));
    const { status } = await stage.untilReady('changed');
    await connect('changed', second);
    await untilLogins(second, 1);
    expect(await loginsOf(stage, first.identityId)).toHaveLength(1);
    expect((await stage.lease('changed'))?.status.lease?.id).toBe(status.lease?.id);
    expect((await stage.connection('changed'))?.status.conditions?.[0]).toMatchObject({ reason: 'LoggedIn' });
  });

  it('from a wrong one ends the hold-off', async () => {
    const identity = await another();
    await connect('mended', identity, 'wrong');
    await stage.apply(leaseManifest('mended', { connectionRef: { name: 'mended' } }));
    await untilConnection('mended', 'LoginRefused');
    await connect('mended', identity);
    await untilLogins(identity, 1);
    const { status } = await stage.untilReady('mended');
    expect(status.rotations ?? 0).toBe(0);
  });

  it('to a wrong one is told while the lease in use stays, and healed', async () => {
    const identity = await another();
    await connect('spoilt', identity);
    await stage.apply(leaseManifest('spoilt', { connectionRef: { name: 'spoilt' } }));
    const { status } = await stage.untilReady('spoilt');
    await connect('spoilt', identity, 'wrong');
    await untilConnection('spoilt', 'LoginRefused');
    const lease = await stage.lease('spoilt');
    expect(lease && conditionOf(lease, 'Ready')?.status).toBe('True');
    expect(lease?.status.lease?.id).toBe(status.lease?.id);
    await connect('spoilt', identity);
    await untilConnection('spoilt', 'LoggedIn');
  });

  it('in its labels alone, or is deleted, brings no login', async () => {
    const identity = await another();
    await connect('same', identity);
    await stage.apply(leaseManifest('same', { connectionRef: { name: 'same' } }));
    await stage.untilReady('same');
    await stage.kubectl('label', 'secret', 'same-login', 'a=b');
    await stage.kubectl('delete', 'secret', 'same-login');
    // What comes after them in the same watches has been seen.
    const witness = await another();
    await connect('witness', witness);
    await stage.apply(leaseManifest('witness', { connectionRef: { name: 'witness' } }));
    await stage.untilReady('witness');
    const next = await another();
    await connect('witness', next);
    await untilLogins(next, 1);
    expect(await loginsOf(stage, identity.identityId)).toHaveLength(1);
    expect((await stage.connection('same'))?.status.conditions?.[0]).toMatchObject({ reason: 'LoggedIn' });
    await stage.kubectl('delete', 'dsl', 'same', '--wait=false');
    await stage.untilGone('same');
  });
});
