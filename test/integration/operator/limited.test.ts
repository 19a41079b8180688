import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

const LEASES = 36;
/** Ninety writes a minute, counted in windows of a tenth of that. */
const LIMITS = { write: 9, windowMs: 6000 };

interface Made {
  readonly object: string;
  readonly at: number;
  readonly expireAt: number;
}

/** All of them asked for at once, at a server that takes ninety requests a minute. */
describe('leases due at a server that limits the rate', () => {
  let stage: Stage;
  let server: OwnServer;

  beforeAll(async () => {
    stage = await startStage();
    server = await ownServer({ rateLimits: LIMITS });
    await stage.apply(...connectionObjects(server));
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const made = async (): Promise<readonly Made[]> =>
    (await server.api.readLedger()).entries
      .filter(({ event }) => event === 'made')
      .map(({ tag, at, expireAt }) => ({ object: tag?.object ?? '', at, expireAt: expireAt ?? 0 }));
  const untilMade = (count: number): Promise<readonly Made[]> =>
    awaitCondition(async () => ((await made()).length >= count ? made() : undefined), {
      what: `${String(count)} leases`,
      timeoutMs: 60_000,
      intervalMs: 100,
    });

  it('are replaced in the order of their ends, as fast as the server allows, and none dies', async () => {
    const first = await stage.startOperator();
    // Ends in an order of their own.
    const ttl = (index: number): string => `${String(10 + ((index * 17) % LEASES))}m`;
    await stage.apply(
      ...Array.from({ length: LEASES }, (_, index) =>
        leaseManifest(`lease-${String(index)}`, { ttl: ttl(index) }),
      ),
    );
    await untilMade(LEASES);
    for (let index = 0; index < LEASES; index += 1) await stage.untilReady(`lease-${String(index)}`);
    await first.stop();
    const before = await made();
    const old = new Map(before.map((one) => [one.object, one]));
    expect(old.size).toBe(LEASES);
    const lastMade = Math.max(...before.map(({ at }) => at));
    await stage.kubectl('annotate', 'dsl', '--all', 'leaseholder.dev/rotate=now');
    const windowIsOver = (): Promise<boolean> => Promise.resolve(Date.now() > lastMade + LIMITS.windowMs);
    await awaitCondition(windowIsOver, { what: 'another window of the server' });

    // Four are under way together until the first answer tells the limit: by then all the others wait for their turn, too.
    await server.api.armFault({
      match: { route: 'lease-create', times: 4 },
      action: { type: 'delay', ms: 1000, when: 'before' },
    });
    await stage.startOperator();
    const renewed = (await untilMade(before.length + LEASES)).slice(before.length, before.length + LEASES);
    expect(new Set(renewed.map(({ object }) => object)).size).toBe(LEASES);
    const ends = renewed.map(({ object }) => old.get(object)?.expireAt ?? 0);
    const turn = ends.toSorted((one, other) => one - other);
    const late = ends.map((end, index) => index - turn.indexOf(end));
    const seconds = ((renewed.at(-1)?.at ?? 0) - (renewed[0]?.at ?? 0)) / 1000;
    // Before those that wait for their turn come the first four, in any order.
    expect(Math.max(...late)).toBeLessThanOrEqual(5);
    const asked = Object.values((await server.api.counts()).counts['lease-create'] ?? {});
    expect(asked.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(2 * LEASES + 4);
    expect(renewed.every(({ object, at }) => at < (old.get(object)?.expireAt ?? 0))).toBe(true);
    // Four windows hold all of them; the first is begun at once.
    expect(seconds).toBeLessThan((3 * LIMITS.windowMs) / 1000 + 6);
  });
});
