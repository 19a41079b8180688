import { describe, expect, test } from 'vitest';

import { MANAGED_LABEL } from '../../../../src/api/names.ts';
import { KubeError } from '../../../../src/kube/kube-error.ts';
import type { KubeRequest, Transport } from '../../../../src/kube/transport.ts';
import { lookAtSecrets } from '../../../../src/reconcile/secrets/looked-at.ts';
import type { ObservedSecrets } from '../../../../src/reconcile/secrets/observed.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { virtualClock, type VirtualClock } from '../../../support/virtual-clock.ts';
import { memoryLog } from '../../kube/support/telemetry.ts';
import { countedMetrics } from '../support/telemetry.ts';

const MINUTE = 60_000;

/** What a Secret is to whoever tries a patch that changes nothing. */
type Thing = 'absent' | 'denied' | 'forbidden' | { readonly version: number; readonly label?: string };

function metadataOf(name: string, { version, label = 'true' }: Exclude<Thing, string>): object {
  const labels = { [MANAGED_LABEL]: label };
  return {
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: String(version), labels },
  };
}

const refusals = {
  absent: new KubeError('patch secrets', { status: 404, reason: 'NotFound' }),
  denied: new KubeError('patch secrets', { status: 422, reason: 'Invalid' }),
  forbidden: new KubeError('patch secrets', { status: 403, reason: 'Forbidden' }),
};

class Town {
  readonly things = new Map<string, Thing>();
  readonly clock: VirtualClock = virtualClock();
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly stop = new AbortController();
  leads = true;
  readonly secrets: ObservedSecrets;

  constructor() {
    const transport: Transport = {
      request: (request) => this.#answer(request),
      async *stream() {
        yield* [];
        throw new Error('Nothing is watched.');
      },
      now: () => undefined,
      close: () => Promise.resolve(),
    };
    this.secrets = lookAtSecrets({
      transport,
      namespaces: undefined,
      shard: undefined,
      clock: this.clock,
      timing: standardTiming,
      log: memoryLog().log,
      metrics: countedMetrics().metrics,
      signal: this.stop.signal,
      mayWrite: () => this.leads,
    });
    this.secrets.store.subscribe((key, before, after) => {
      this.told.push(`${key}: ${before?.resourceVersion ?? '-'} → ${after?.resourceVersion ?? '-'}`);
    });
  }

  #answer({ method, path, query, body, permit }: KubeRequest): Promise<unknown> {
    if (permit?.() === false) return Promise.reject(new KubeError('patch', { reason: 'NotLeading' }));
    const name = path.slice(path.lastIndexOf('/') + 1);
    this.asked.push(`${method} ${name} ${String(query?.['dryRun'])} ${JSON.stringify(body)}`);
    const thing = this.things.get(name) ?? 'absent';
    return typeof thing === 'string'
      ? Promise.reject(refusals[thing])
      : Promise.resolve(metadataOf(name, thing));
  }

  look(name: string): ReturnType<ObservedSecrets['resource']['look']> {
    return this.secrets.resource.look(`shop/${name}`);
  }
}

describe('a look in strict mode', () => {
  test('is a patch of nothing, not stored, and brings the Secret into view', async () => {
    const town = new Town();
    town.things.set('own', { version: 7 });
    expect(await town.look('own')).toMatchObject({ key: 'shop/own', resourceVersion: '7' });
    expect(town.asked).toEqual(['PATCH own All []']);
    expect(town.secrets.store.get('shop/own')?.resourceVersion).toBe('7');
  });

  test('needs no lead', async () => {
    const town = new Town();
    town.leads = false;
    expect(await town.look('own')).toBeUndefined();
  });

  test('shows of a Secret that the policy keeps from us that it is there, and nothing else', async () => {
    const town = new Town();
    town.things.set('foreign', 'denied');
    expect(await town.look('foreign')).toMatchObject({
      name: 'foreign',
      hidden: true,
      owners: [],
      labels: {},
    });
    expect(await town.secrets.resource.inspect('shop/foreign')).toBeUndefined();
    expect(town.secrets.store.size).toBe(0);
  });

  test('takes a Secret out of view that has lost our label, and takes it back in when it has it again', async () => {
    const town = new Town();
    town.things.set('own', { version: 7 });
    await town.look('own');
    town.things.set('own', 'denied');
    await town.look('own');
    town.things.set('own', { version: 8 });
    await town.look('own');
    expect(town.told).toEqual(['shop/own: - → 7', 'shop/own: 7 → -', 'shop/own: - → 8']);
  });

  test('fails without the right to patch: nothing is concluded', async () => {
    const town = new Town();
    town.things.set('own', 'forbidden');
    await expect(town.look('own')).rejects.toThrow('403');
  });
});

describe('what is known', () => {
  test('is looked at in turn, all of it in five minutes', async () => {
    const town = new Town();
    const names = Array.from({ length: 20 }, (_, index) => `s${String(index)}`);
    for (const name of names) {
      town.things.set(name, { version: 1 });
      await town.look(name);
    }
    town.asked.length = 0;
    // The pause that was begun before any was known.
    await town.clock.run(MINUTE / 2);
    expect(town.asked).toEqual(['PATCH s0 All []']);
    await town.clock.run(MINUTE);
    expect(town.asked).toHaveLength(5);
    await town.clock.run(4 * MINUTE);
    expect([town.asked.length, new Set(town.asked).size]).toEqual([21, 20]);
    town.stop.abort();
    await town.secrets.ended;
  });

  test('is looked at once in half a minute where it is little', async () => {
    const town = new Town();
    town.things.set('a', { version: 1 });
    await town.look('a');
    await town.clock.run(2 * MINUTE);
    expect(town.asked).toHaveLength(5);
    town.stop.abort();
    await town.secrets.ended;
  });

  test('is told when it has changed or gone; what cannot be looked at stays', async () => {
    const town = new Town();
    for (const name of ['a', 'b', 'c']) {
      town.things.set(name, { version: 1 });
      await town.look(name);
    }
    town.told.length = 0;
    town.things.set('a', { version: 2 });
    town.things.set('b', 'absent');
    town.things.set('c', 'forbidden');
    await town.clock.run(10 * MINUTE);
    expect(town.told).toEqual(['shop/a: 1 → 2', 'shop/b: 1 → -']);
    expect([...town.secrets.store.values()].map(({ key }) => key)).toEqual(['shop/a', 'shop/c']);
    town.stop.abort();
    await town.secrets.ended;
  });

  test('is left alone while another process leads', async () => {
    const town = new Town();
    town.things.set('a', { version: 1 });
    await town.look('a');
    town.leads = false;
    town.asked.length = 0;
    await town.clock.run(20 * MINUTE);
    expect(town.asked).toEqual([]);
    town.stop.abort();
    await town.secrets.ended;
  });
});
