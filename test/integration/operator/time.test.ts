import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import {
  conditionOf,
  connectionObjects,
  isReady,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { defined, ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

const HOUR = 3_600_000;

/** Milliseconds: with waits at a twentieth a lease of this life is used for some four seconds of it. */
const SHORT_LIFE = 12_000;

describe.concurrent('the time of a lease', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it.each([
    ['five hours behind', 'behind', -5 * HOUR],
    ['a day ahead', 'ahead', 24 * HOUR],
    ['of another century', 'far', 80 * 365 * 24 * HOUR],
  ])('is that of the server, though its clock is %s', async (_what, name, offsetMs) => {
    await using server = await ownServer({ clock: { offsetMs } }, { lifeOverride: SHORT_LIFE });
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name } }));
    const { status } = await stage.untilReady(name);
    const { dynamicSecretId } = server;
    await server.api.overrideDynamicSecret({ dynamicSecretId, lifeOverride: null });
    const rotated = await stage.untilLease(name, (lease) => lease.status.rotations === 1);

    const made = (await server.api.readLedger()).entries.filter(({ event }) => event === 'made');
    const [first, second] = made.map(({ at }) => at);
    const used = defined(second) - defined(first);
    // Some four seconds, where the server's time is known to a second.
    expect(used).toBeGreaterThan(2000);
    expect(used).toBeLessThan(6500);
    expect(made).toHaveLength(2);
    const offset = Date.parse(defined(status.rotateAt)) - Date.now();
    expect(Math.abs(offset - offsetMs)).toBeLessThan(10_000);
    expect(conditionOf(rotated, 'Ready')?.lastTransitionTime).toBe(
      conditionOf(defined(await stage.lease(name)), 'Ready')?.lastTransitionTime,
    );
  });

  it('may be short: it is replaced in time again and again, and the Secret is never without one', async () => {
    const own = await ownLease(stage, 'brief', { lifeOverride: 4000 });
    await own.apply();
    const { status } = await stage.untilReady('brief');
    const later = await stage.untilLease('brief', (lease) => (lease.status.rotations ?? 0) >= 4);

    expect(isReady(later)).toBe(true);
    expect(conditionOf(later, 'Ready')?.lastTransitionTime).toBe(
      status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime,
    );
  });

  it('may be over when it begins: that leads to no storm', async () => {
    const own = await ownLease(stage, 'stillborn', { lifeOverride: 1 });
    await own.apply();
    await awaitCondition(async () => (await own.events()).length > 3, { what: 'a second lease' });
    const since = await stage.api.readLedger();
    // Something else goes through its whole life meanwhile.
    const other = await ownLease(stage, 'meanwhile', { lifeOverride: SHORT_LIFE });
    await other.apply();
    await stage.untilLease('meanwhile', ({ status }) => status.rotations === 1);
    const made = (await stage.api.readLedger({ from: since.next })).entries.filter(
      ({ event, dynamicSecret }) => event === 'made' && dynamicSecret === 'stillborn',
    );
    // One each quarter of a second, at a twentieth.
    expect(made.length).toBeLessThan(30);

    await own.liveFor(null);
    await stage.untilReady('stillborn');
  });
});
