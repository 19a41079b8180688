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
import { freeAddress, type Address } from './support/address.ts';
import { defined, ownLease } from './support/own-lease.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

const HOUR = 3_600_000;

/** Milliseconds: with waits at a twentieth a lease of this life is used for some four seconds of it. */
const SHORT_LIFE = 12_000;

/** Milliseconds: the least time that a lease is used, at a twentieth, before its age is a reason for another. */
const LEAST_USE = 250;

describe.concurrent('the time of a lease', () => {
  let stage: Stage;
  let probes: Address;

  beforeAll(async () => {
    stage = await startStage();
    probes = await freeAddress();
    await stage.startOperator({ scale: 0.05, flags: ['--listen', probes.address] });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  it.each([
    ['five hours behind', 'behind', -5 * HOUR],
    ['a day ahead', 'ahead', 24 * HOUR],
    ['of another century', 'far', 80 * 365 * 24 * HOUR],
  ])('is that of the server, though its clock is %s', async (_what, name, offsetMs) => {
    await using server = await ownServer({ clock: { offsetMs } }, { firstLife: SHORT_LIFE });
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name } }));
    const { status } = await stage.untilReady(name);
    const rotated = await stage.untilLease(name, (lease) => lease.status.rotations === 1);

    const made = (await server.api.readLedger()).entries.filter(({ event }) => event === 'made');
    const [first, second] = made.map(({ at }) => at);
    const used = defined(second) - defined(first);
    // Some four seconds, where the server's time is known to a second; in any case before it ends.
    expect(used).toBeGreaterThan(2000);
    expect(used).toBeLessThan(SHORT_LIFE);
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
    const begun = Date.now();
    const since = await stage.api.readLedger();
    // Something else goes through its whole life meanwhile.
    const other = await ownLease(stage, 'meanwhile', { lifeOverride: SHORT_LIFE });
    await other.apply();
    await stage.untilLease('meanwhile', ({ status }) => status.rotations === 1);
    const made = (await stage.api.readLedger({ from: since.next })).entries.filter(
      ({ event, dynamicSecret }) => event === 'made' && dynamicSecret === 'stillborn',
    );
    // One and the next are this far apart; it is asked a little later for what was made.
    expect(made.length).toBeLessThanOrEqual((Date.now() - begun) / LEAST_USE + 2);

    await own.liveFor(null);
    await stage.untilReady('stillborn');
  });

  /** What is made at a server of its own whose clock is set while a lease of an hour is in use. */
  const madeAfterStep = async (
    name: string,
    step: number,
    until: (server: OwnServer) => Promise<unknown>,
  ): Promise<number> => {
    await using server = await ownServer({}, { defaultTTL: '1h' });
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name } }));
    await stage.untilReady(name);
    await server.api.setClock({ offsetMs: step });
    await until(server);
    // Two more lists: what follows from the step has followed.
    await untilListed(server, 2);
    const { status } = await stage.untilReady(name);
    expect((await server.api.live()).leases.map(({ leaseId }) => leaseId)).toContain(status.lease?.id);
    return (await server.api.readLedger()).entries.filter(({ event }) => event === 'made').length;
  };

  it.each<readonly [what: string, name: string, step: number]>([
    ['set back by three hours', 'back', -3 * HOUR],
    ['set ahead by ten minutes', 'ten-minutes', HOUR / 6],
  ])('goes on when the clock of the server is %s meanwhile: no lease for that', async (_what, name, step) => {
    expect(await madeAfterStep(name, step, () => Promise.resolve())).toBe(1);
  });

  it.each<readonly [what: string, name: string, step: number]>([
    ['a rotation', 'past-rotation', (55 / 60) * HOUR],
    ['its end', 'past-end', 2 * HOUR],
  ])('is followed by one other when the clock of the server is set past %s', async (_what, name, step) => {
    const rotated = (): Promise<unknown> =>
      stage.untilLease(name, (lease) => isReady(lease) && (lease.status.rotations ?? 0) > 0, 40_000);
    expect(await madeAfterStep(name, step, rotated)).toBe(2);
  });

  it('may be ten years: nothing is done about it again and again', async () => {
    await using server = await ownServer();
    const name = 'decade';
    await stage.apply(...connectionObjects(server, { name }));
    await stage.apply(leaseManifest(name, { connectionRef: { name }, ttl: '10y' }));
    const { status } = await stage.untilReady(name);
    expect(Date.parse(defined(status.rotateAt)) - Date.now()).toBeGreaterThan(5 * 365 * 24 * HOUR);
    // The connection counts its leases a little later: the last write that there is a reason for.
    const counted = async (): Promise<boolean> => (await stage.connection(name))?.status.served === 1;
    await awaitCondition(counted, { what: 'the connection to count its lease' });
    const since = await stage.plane.audit.mark();
    const before = await looks(probes);
    await untilListed(server, 2);

    // Others live beside it; a loop would be thousands.
    expect((await looks(probes)) - before).toBeLessThan(1000);
    const touched = (await stage.plane.audit.events(since)).filter(
      (event) => event.user === stage.user && event.name === name,
    );
    expect(touched).toEqual([]);
    const { counts } = await server.api.counts();
    expect(counts['lease-create']).toEqual({ [server.identity.identityId]: 1 });
    expect((await stage.lease(name))?.status).toEqual(status);
  });
});

/** Waits for so many more lists of its leases. */
async function untilListed({ api, identity }: OwnServer, more: number): Promise<void> {
  const count = async (): Promise<number> =>
    (await api.counts()).counts['lease-list']?.[identity.identityId] ?? 0;
  const since = await count();
  await awaitCondition(async () => (await count()) >= since + more, { what: 'lists', timeoutMs: 60_000 });
}

/** How many times a lease object was looked at. */
async function looks({ get }: Address): Promise<number> {
  const [, text] = await get('/metrics');
  return text
    .split('\n')
    .filter((line) => line.startsWith('leaseholder_reconciliations_total{controller="lease"'))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
