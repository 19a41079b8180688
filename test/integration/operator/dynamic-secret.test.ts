import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { conditionOf, startStage, type Stage } from '../../support/stage.ts';
import { changeByHand } from './support/by-hand.ts';
import { declared, inputs, place, says, type Declared } from './support/declared.ts';

let stage: Stage;
let operator: OperatorProcess;

beforeAll(async () => {
  stage = await startStage();
  operator = await stage.startOperator({ flags: ['--log-level', 'debug'] });
});
afterAll(() => stage[Symbol.asyncDispose]());

let count = 0;

/** A namespace with a server of its own. */
async function begin(options: Parameters<typeof declared>[2] = {}): Promise<Declared> {
  count += 1;
  return declared(stage, `declared-${String(count)}`, options);
}

/** The same, with a dynamic secret that exists as declared. */
async function begun(spec: Readonly<Record<string, unknown>> = {}): Promise<Declared> {
  const own = await begin();
  await own.apply(spec);
  await own.untilReady();
  await own.sent();
  return own;
}

const patch = (data: object): object => ({ method: 'PATCH', body: { ...place, data } });

describe('a DynamicSecret', () => {
  it('is created as it is declared, with its password from a Secret and the mark of the object', async () => {
    await using own = await begin();
    const metadata = [{ key: 'team', value: 'orders' }];
    await own.apply({ maxTTL: '24h', metadata, usernameTemplate: 'app-{{randomUsername}}' });
    const { uid, status } = await own.untilReady();
    const mark = { key: 'leaseholder-object', value: uid };
    expect(await own.sent()).toEqual([
      {
        method: 'POST',
        body: {
          ...place,
          name: 'orders-redis',
          defaultTTL: '1h',
          maxTTL: '24h',
          usernameTemplate: 'app-{{randomUsername}}',
          metadata: [...metadata, mark],
          provider: { type: 'redis', inputs: { ...inputs, password: 'hunter2' } },
        },
      },
    ]);
    expect(status).toMatchObject({ place: { name: 'orders-redis', path: '/' }, users: 0 });
    expect(status.intent).toBeUndefined();
    await awaitCondition(async () => (await own.events()).includes('DynamicSecretCreated'), {
      what: 'the event',
      timeoutMs: 15_000,
      intervalMs: 200,
    });
    expect(await own.kubectl('get', 'dynamicsecret', '-o', 'yaml')).not.toContain('hunter2');
  });

  it('is changed by exactly what differs, one request for each change', async () => {
    await using own = await begun({ maxTTL: '24h', usernameTemplate: 'app-{{randomUsername}}' });
    const { uid } = await own.untilReady();
    const mark = { key: 'leaseholder-object', value: uid };
    const changes: readonly (readonly [Readonly<Record<string, unknown>>, object])[] = [
      [{ defaultTTL: '2h' }, { defaultTTL: '2h' }],
      [{ maxTTL: null }, { maxTTL: null }],
      [{ usernameTemplate: null }, { usernameTemplate: null }],
      [
        { metadata: [{ key: 'team', value: 'orders' }] },
        { metadata: [{ key: 'team', value: 'orders' }, mark] },
      ],
      [{ metadata: null }, { metadata: [mark] }],
      [{ provider: { inputs: { port: 6380 } } }, { inputs: { port: 6380 } }],
    ];
    for (const [spec, data] of changes) {
      await own.edit(spec);
      await own.untilReady();
      expect(await own.sent()).toEqual([patch(data)]);
    }
    const [shown] = (await own.api.dynamicSecrets()).dynamicSecrets.filter(
      ({ name }) => name === 'orders-redis',
    );
    expect(shown).toMatchObject({ defaultTTL: '2h', maxTTL: null, usernameTemplate: null, metadata: [mark] });
  });

  it('sends a changed password on by itself, once', async () => {
    await using own = await begun();
    await own.keep('correct horse');
    const sent = async (): Promise<readonly unknown[]> =>
      (await own.api.dynamicSecrets()).requests.filter(({ done }) => done);
    await awaitCondition(async () => (await sent()).length > 0, {
      what: 'the password to be sent',
      timeoutMs: 20_000,
      intervalMs: 50,
    });
    const { metadata } = (await stage.secretObject('redis-admin', own.namespace)) ?? {};
    // The status tells which version was sent, a moment after it was.
    const { status } = await own.until(
      (seen) => seen.status.applied?.sources?.[0]?.resourceVersion === metadata?.resourceVersion,
    );
    expect(status.applied?.sources).toMatchObject([{ uid: metadata?.uid }]);
    expect(conditionOf(await own.untilReady(), 'Ready')?.status).toBe('True');
    expect(await own.sent()).toEqual([patch({ inputs: { password: 'correct horse' } })]);
  });

  it('is renamed by a request of its own, and the leases that refer to it go on', async () => {
    await using own = await begun();
    await own.lease('reader');
    await own.untilLeased('reader');
    const before = (await own.api.live()).leases.map(({ leaseId }) => leaseId);
    await own.edit({ name: 'sales-redis' });
    await own.until(({ status }) => status.place?.name === 'sales-redis' && status.intent === undefined);
    expect(await own.sent()).toEqual([patch({ newName: 'sales-redis' })]);
    expect(await own.names()).toEqual(['sales-redis']);
    await own.untilLeased('reader');
    expect((await own.api.live()).leases.map(({ leaseId }) => leaseId)).toEqual(before);
    await own.remove('dsl/reader');
    await own.untilGone('dsl/reader');
    expect((await own.api.live()).leases).toEqual([]);
  });

  it('of a name that the server has already is refused, or taken over where the spec says so', async () => {
    await using own = await begin();
    const provider = { type: 'redis', inputs } as const;
    await own.api.seedDynamicSecret({ ...place, name: 'orders-redis', defaultTTL: '30m', provider });
    await own.apply();
    await own.until((seen) => says(seen, 'Ready', 'False') === 'DynamicSecretExists');
    expect(await own.sent()).toEqual([]);

    await own.edit({ adoption: 'Adopt' });
    const { uid } = await own.untilReady();
    expect(await own.sent()).toEqual([
      patch({
        inputs: { ...inputs, password: 'hunter2' },
        defaultTTL: '1h',
        maxTTL: null,
        metadata: [{ key: 'leaseholder-object', value: uid }],
        usernameTemplate: null,
      }),
    ]);
  });

  it.each([
    ['keeps marks', {}],
    ['keeps none', { profile: '2024' }],
  ] as const)(
    'of what another object has is refused, also with Adopt, by a server that %s',
    async (_word, options) => {
      await using own = await begin(options);
      await own.apply();
      await own.untilReady();
      await own.sent();
      const other = 'dynamicsecret/other';
      await own.apply({ adoption: 'Adopt' }, { name: 'other' });
      await own.kubectl(
        'wait',
        other,
        '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=DynamicSecretOwned',
        '--timeout=30s',
      );
      expect(await own.sent()).toEqual([]);
      // It goes without touching what is not its own.
      await own.remove(other);
      await own.untilGone(other);
      expect(await own.names()).toEqual(['orders-redis']);
    },
  );

  it('waits while its provider is down, and works when it is back; nothing of the failure is told', async () => {
    await using own = await begin();
    await own.api.armFault({ action: { type: 'provider-down' } });
    await own.apply();
    const seen = await own.until(({ status }) => status.attempts !== undefined);
    expect(says(seen, 'Ready', 'False')).toMatch(/^(ServerFailed|Provider|DynamicSecretRefused)/);
    await own.api.disarmFaults();
    await own.untilReady(60);
    expect(await own.names()).toEqual(['orders-redis']);
    const told = await own.kubectl('get', 'dynamicsecrets,events', '-o', 'yaml');
    expect(told).not.toContain('hunter2');
    expect(operator.output()).not.toContain('hunter2');
  });

  it('that somebody changes on the server is set right when it is listed again', async () => {
    await using scaled = await startScaled();
    const { own } = scaled;
    await changeByHand(own, { defaultTTL: '5m' });
    await own.sent();
    const drifted = async (): Promise<boolean> => (await own.sent()).length > 0;
    await awaitCondition(drifted, { what: 'the drift to be seen', timeoutMs: 30_000, intervalMs: 100 });
    const [shown] = (await own.api.dynamicSecrets()).dynamicSecrets.filter(
      ({ name }) => name === 'orders-redis',
    );
    expect(shown?.defaultTTL).toBe('1h');
  });

  it('on a server of 2024, which keeps no mark, is made, changed and removed all the same', async () => {
    await using own = await begin({ profile: '2024' });
    await own.apply({ maxTTL: '24h' });
    await own.untilReady();
    await own.sent();
    await own.edit({ maxTTL: null });
    await own.untilReady();
    expect(await own.sent()).toEqual([patch({ maxTTL: null })]);
    await own.remove();
    await own.untilGone();
    expect(await own.names()).toEqual([]);
  });
});

interface Scaled extends AsyncDisposable {
  readonly own: Declared;
}

/** A stage and an operator of its own, whose waits are a fiftieth of the usual ones. */
async function startScaled(): Promise<Scaled> {
  const other = await startStage();
  await other.startOperator({ scale: 0.02 });
  const own = await declared(other, 'drifting');
  await own.apply();
  await own.untilReady();
  return {
    own,
    async [Symbol.asyncDispose]() {
      await own[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    },
  };
}
