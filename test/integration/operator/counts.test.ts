import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import {
  dynamicSecretManifest,
  inputSecret,
  inputsFrom,
  inputSecretName,
} from '../../support/dynamic-secret-manifest.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

/** How many leases live at once. */
const LEASES = 200;

/** How many objects a connection serves is written once in this time, whatever their number; in milliseconds. */
const COUNT_PACE = 10_000;

/** The connection's finalizer comes with the first lease that uses it, and goes with the last. */
const onceForTheConnection = { 'patch infisicalconnections': 1 };

/** The keys of the login. Once, within a minute of its start, a process looks whether they are what it logged in with. */
const CREDENTIALS = 2;

interface Since {
  readonly mark: Awaited<ReturnType<Stage['plane']['audit']['mark']>>;
  /** Wall clock, milliseconds. */
  readonly at: number;
}

/**
 * The write budget (docs/architecture.md): what the operator asks of the two APIs for each lease. It must never grow
 * unseen, so the counts are exact, from the audit log and the lease API's ledger.
 */
describe(`${String(LEASES)} leases applied at once`, { timeout: 200_000 }, () => {
  let stage: Stage;
  let lookedAt = 0;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator();
    await stage.apply(...connectionObjects(stage));
    await stage.kubectl('wait', '--for=condition=Ready', 'infisicalconnection/infisical', '--timeout=60s');
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** What the operator wrote and read since, but for the connection's own: its count has a pace, its credentials a look. */
  const countsSince = async (since: Since): Promise<Readonly<Record<string, number>>> => {
    const elapsed = Date.now() - since.at;
    const counts = await stage.plane.audit.count(stage.user, since.mark);
    const { 'patch infisicalconnections/status': counted = 0, 'get secrets': looks = 0, ...others } = counts;
    expect(counted).toBeLessThanOrEqual(1 + Math.ceil(elapsed / COUNT_PACE));
    lookedAt += looks;
    expect([0, CREDENTIALS]).toContain(lookedAt);
    return others;
  };
  const now = async (): Promise<Since> => ({ mark: await stage.plane.audit.mark(), at: Date.now() });
  const leaseEvents = async (): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { event } of (await stage.api.readLedger()).entries) counts[event] = (counts[event] ?? 0) + 1;
    return counts;
  };
  const allSettled = async (ready: (line: string) => boolean): Promise<void> => {
    await awaitCondition(
      async () => {
        const path =
          '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.status.rotations}{"\\n"}{end}';
        const lines = (await stage.kubectl('get', 'dsl', '-o', `jsonpath=${path}`)).trim().split('\n');
        return lines.length === LEASES && lines.every(ready);
      },
      { what: 'all leases', timeoutMs: 120_000, intervalMs: 250 },
    );
  };

  it('become as many Secrets with 3 writes and no read each, one login and one lease each', async () => {
    const since = await now();
    // Each is used for 52 s at least, in which all have to settle, and then replaced by one that outlasts this test.
    await stage.api.overrideDynamicSecret({ dynamicSecretId: stage.dynamicSecretId, lifeOverride: 225_000 });
    await stage.apply(
      ...Array.from({ length: LEASES }, (_, index) => leaseManifest(`lease-${String(index)}`, { ttl: '1h' })),
    );
    await allSettled((line) => line === 'True 0');

    expect(await countsSince(since)).toEqual({
      'patch dynamicsecretleases': LEASES,
      'create secrets': LEASES,
      'patch dynamicsecretleases/status': LEASES,
      ...onceForTheConnection,
    });
    expect(await leaseEvents()).toMatchObject({ made: LEASES });
    expect((await stage.api.live()).leases).toHaveLength(LEASES);
    expect((await stage.api.counts()).counts['login']).toEqual({ anonymous: 1 });
  });

  it('rotate with 2 writes and no read each when their time has come', async () => {
    const since = await now();
    await stage.api.overrideDynamicSecret({ dynamicSecretId: stage.dynamicSecretId, lifeOverride: null });
    await allSettled((line) => line === 'True 1');

    expect(await countsSince(since)).toEqual({
      'patch secrets': LEASES,
      'patch dynamicsecretleases/status': LEASES,
    });
    expect(await leaseEvents()).toMatchObject({ made: 2 * LEASES });
    expect((await stage.api.counts()).counts['login']).toEqual({ anonymous: 1 });
  });

  it('leave nothing behind, with 2 writes each, when they are deleted', async () => {
    const since = await now();
    await stage.kubectl('delete', 'dsl', '--all', '--wait=false');
    await awaitCondition(async () => (await stage.kubectl('get', 'dsl', '-o', 'name')) === '', {
      what: 'all leases to be gone',
      timeoutMs: 120_000,
      intervalMs: 250,
    });
    await awaitCondition(async () => (await stage.connection('infisical'))?.finalizers.length === 0, {
      what: 'the connection to be free',
    });

    expect(await countsSince(since)).toEqual({
      'delete secrets': LEASES,
      'patch dynamicsecretleases': LEASES,
      ...onceForTheConnection,
    });
    expect((await stage.api.live()).leases).toEqual([]);
    expect(await stage.kubectl('get', 'secrets', '-l', 'leaseholder.dev/managed=true', '-o', 'name')).toBe(
      '',
    );
  });
});

/** How many dynamic secrets are declared at once. All take their password from one Secret. */
const DECLARED = 10;

/** What a process asks for when it first uses a connection: the server's time, and to log in. */
const FIRST_USE = { status: 1, login: 1 };

/** With waits at a twentieth each is looked at and listed every fifteen seconds. */
const HURRIED = 0.05;

/** As above, for dynamic secrets: writes to the Kubernetes API, and every request to the lease API. */
describe(`${String(DECLARED)} declared dynamic secrets`, () => {
  let stage: Stage;
  let server: OwnServer;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    server = await ownServer();
    operator = await stage.startOperator();
    await stage.apply(
      ...connectionObjects(server, { hostAPI: server.api.url }),
      inputSecret('shared', { password: 'of-the-provider' }),
    );
    await stage.kubectl('wait', '--for=condition=Ready', 'infisicalconnection/infisical', '--timeout=30s');
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const declare = (spec: Readonly<Record<string, unknown>> = {}): Promise<void> =>
    stage.apply(
      ...Array.from({ length: DECLARED }, (_, index) =>
        dynamicSecretManifest(`declared-${String(index)}`, {
          inputsFrom: inputsFrom(inputSecretName('shared'), 'password'),
          ...spec,
        }),
      ),
    );
  /** How often each route of the lease API was called, by whomever; without the routes that were not. */
  const asked = async (): Promise<Readonly<Record<string, number>>> => {
    const { counts } = await server.api.counts();
    const sums = Object.entries(counts).map(([route, by]) => [route, sum(Object.values(by))] as const);
    return Object.fromEntries(sums);
  };
  /** Waits until the lease API has been asked just so; one request more, and it never comes. */
  const untilAsked = (
    wanted: Readonly<Record<string, number>>,
    before: Readonly<Record<string, number>>,
  ): Promise<unknown> =>
    expect
      .poll(async () => difference(await asked(), before), { timeout: 60_000, interval: 200 })
      .toEqual(wanted);
  const writesSince = async (mark: Since['mark']): Promise<Readonly<Record<string, number>>> => {
    const counts = await stage.plane.audit.count(stage.user, mark);
    return Object.fromEntries(
      Object.entries(counts).filter(
        // How many objects a connection serves has a pace of its own; an event is told once.
        ([request]) =>
          /^(create|patch|delete)/.test(request) && !/infisicalconnections\/status|events/.test(request),
      ),
    );
  };

  it('are made with 3 writes each: finalizer, intent and status', { timeout: 90_000 }, async () => {
    const mark = await stage.plane.audit.mark();
    const before = await asked();
    await declare();
    await untilAsked(
      { 'lease-list': DECLARED, 'dynamic-secret-create': DECLARED, 'dynamic-secret-list': DECLARED },
      before,
    );
    expect(await writesSince(mark)).toEqual({
      'patch dynamicsecrets': DECLARED,
      'patch dynamicsecrets/status': 2 * DECLARED,
      ...onceForTheConnection,
    });
  });

  it('are changed with one request and one write each', { timeout: 90_000 }, async () => {
    const mark = await stage.plane.audit.mark();
    const before = await asked();
    await declare({ defaultTTL: '2h' });
    await untilAsked({ 'dynamic-secret-update': DECLARED, 'dynamic-secret-list': DECLARED }, before);
    expect(await writesSince(mark)).toEqual({ 'patch dynamicsecrets/status': DECLARED });
  });

  it(
    'cost no write while they are looked at and listed, also by a process that comes after',
    { timeout: 90_000 },
    async () => {
      const mark = await stage.plane.audit.mark();
      const before = await asked();
      expect(await operator.stop()).toBe(0);
      operator = await stage.startOperator({ scale: HURRIED });
      const rounds = async (): Promise<boolean> => {
        const { 'lease-list': looks = 0, 'dynamic-secret-list': lists = 0 } = difference(
          await asked(),
          before,
        );
        return looks >= 2 * DECLARED && lists >= 2 * DECLARED;
      };
      await awaitCondition(rounds, { what: 'two rounds', timeoutMs: 60_000 });
      expect(await operator.stop()).toBe(0);
      const {
        'lease-list': _looks,
        'dynamic-secret-list': _lists,
        ...others
      } = difference(await asked(), before);
      expect(others).toEqual(FIRST_USE);
      expect(await writesSince(mark)).toEqual({});
    },
  );

  it(
    'are removed with one write each, after a look and a list, and before a look',
    {
      timeout: 90_000,
    },
    async () => {
      // Deleted while nobody works: what a process has seen just before would spare it some of the looks.
      const mark = await stage.plane.audit.mark();
      const before = await asked();
      await stage.kubectl('delete', 'dynsec', '--all', '--wait=false');
      operator = await stage.startOperator();
      const gone = async (): Promise<boolean> => (await stage.kubectl('get', 'dynsec', '-o', 'name')) === '';
      await awaitCondition(gone, { what: 'all of them to be gone', timeoutMs: 60_000, intervalMs: 250 });
      await awaitCondition(async () => (await stage.connection('infisical'))?.finalizers.length === 0, {
        what: 'the connection to be free',
      });
      expect(await writesSince(mark)).toEqual({ 'patch dynamicsecrets': DECLARED, ...onceForTheConnection });
      expect(difference(await asked(), before)).toEqual({
        ...FIRST_USE,
        'lease-list': 2 * DECLARED,
        'dynamic-secret-list': DECLARED,
        'dynamic-secret-delete': DECLARED,
      });
      expect((await server.api.dynamicSecrets()).dynamicSecrets.map(({ name }) => name)).toEqual(['orders']);
    },
  );
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** What has come to each number; without those to which nothing has. */
function difference(
  now: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const grown = Object.entries(now).map(([key, count]) => [key, count - (before[key] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count !== 0));
}
