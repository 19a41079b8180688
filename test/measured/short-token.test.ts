import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../sandbox/operator/operator.ts';
import { conditionOf, connectionObjects, leaseManifest, startStage, type Stage } from '../support/stage.ts';

/** Seconds that an access token lives. A new login is due at 80 % of it. */
const TOKEN = 20;
/** Milliseconds of load. */
const LASTS = 180_000;
const LEASES = 20;
/** Milliseconds. Under this rotation, with waits at a twentieth, a lease is used for 2.4 to 4.8 s of it. */
const LIFE = 24_000;

/** A session must outlive its tokens without anybody noticing. */
describe(`an access token that lives ${String(TOKEN)} s, under load for ${String(LASTS / 60_000)} min`, () => {
  let stage: Stage;
  let operator: OperatorProcess;
  let since: number;
  let lasted: number;

  beforeAll(async () => {
    stage = await startStage();
    const identity = await stage.api.seedIdentity({
      grants: [{ projectSlug: 'shop', actions: ['lease'] }],
      accessTokenTTL: TOKEN,
      accessTokenMaxTTL: TOKEN,
    });
    await stage.seed('short', { lifeOverride: LIFE });
    operator = await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects({ api: stage.api, identity }));
    const dynamicSecret = { name: 'short', projectSlug: 'shop', environmentSlug: 'prod' };
    const names = Array.from({ length: LEASES }, (_, index) => `short-${String(index)}`);
    since = Date.now();
    await stage.apply(
      ...names.map((name) => leaseManifest(name, { dynamicSecret, rotation: { before: '80%' } })),
    );
    for (const name of names) await stage.untilReady(name);
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const leaseEvents = async (): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { event } of (await stage.api.readLedger()).entries) counts[event] = (counts[event] ?? 0) + 1;
    return counts;
  };

  it('fails no rotation', async () => {
    await awaitCondition(() => Promise.resolve(Date.now() > since + LASTS), {
      what: 'the load to have lasted',
      timeoutMs: LASTS + 60_000,
      intervalMs: 1000,
    });
    lasted = (Date.now() - since) / 1000;
    // A request that was refused or failed has made none, and is never made up for.
    const made = await awaitCondition(
      async () => {
        const { requested = 0, made: answered = 0 } = await leaseEvents();
        return requested === answered ? answered : undefined;
      },
      { what: 'as many leases as requests', intervalMs: 100 },
    );
    expect(operator.lines.filter(({ msg }) => msg === 'A step failed.')).toEqual([]);
    for (let index = 0; index < LEASES; index += 1) {
      const lease = await stage.lease(`short-${String(index)}`);
      expect(lease && conditionOf(lease, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
    }
    // Each is used for 4.8 s at most, beside what a rotation takes.
    expect(made).toBeGreaterThan((LEASES * lasted) / 8);
  });

  it('has no request refused for its token, and no login more than its life asks for', async () => {
    const { entries } = await stage.api.readLedger();
    const logins = entries.filter(({ event }) => event === 'login').length;
    const due = lasted / (TOKEN * 0.8);
    expect(logins).toBeGreaterThanOrEqual(Math.floor(due));
    expect(logins).toBeLessThanOrEqual(Math.ceil(due) + 1);
    expect(operator.lines.filter(({ msg }) => msg === 'An access token was refused.')).toEqual([]);
    expect(operator.lines.filter(({ msg }) => msg === 'A login failed.')).toEqual([]);
  });
});
