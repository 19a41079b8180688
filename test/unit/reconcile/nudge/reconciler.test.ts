import { describe, expect, test } from 'vitest';

import { KubeError } from '../../../../src/kube/kube-error.ts';
import { nudgeKey } from '../../../../src/nudge/annotation.ts';
import { reconcileNudges, type NudgeOutcome } from '../../../../src/reconcile/nudge/reconciler.ts';
import { retries } from '../../../../src/reconcile/nudge/retries.ts';
import type { LeaseRecord, PodRecord, PodResource } from '../../../../src/reconcile/ports.ts';
import { standardTiming } from '../../../../src/timing.ts';
import {
  aLeaseRecord,
  aRef,
  aSpec,
  aStatus,
  instant,
  MINUTE,
  NOW,
  SECOND,
  valid,
} from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';
import { memoryLog } from '../../kube/support/telemetry.ts';
import { countedMetrics, rememberedEvents } from '../support/telemetry.ts';

const { backoffBase, nudgeLook, overlap } = standardTiming;
const KEY = 'shop/orders-db';
const ID = 'lease-2';

/** A namespace with an object whose Secret was written just now, and pods that were there before. */
class Town {
  readonly clock = virtualClock({ wall: NOW, random: [0.5] });
  readonly telemetry = { ...countedMetrics(), ...rememberedEvents(), ...memoryLog() };
  readonly pods = new Map<string, PodRecord>();
  /** What the next nudge of that pod meets; of any pod: `*`, each time. */
  readonly fates = new Map<string, KubeError | Error>();
  readonly stop = new AbortController();
  readonly tried: string[] = [];
  nudges = true;
  knowledge: ReturnType<PodResource['knowledgeOf']> = 'full';
  /** How much the server's clock is ahead; undefined: it was not heard of yet. */
  ahead: number | undefined = 0;
  object: LeaseRecord | undefined;
  readonly #retries = retries(this.clock, standardTiming);

  constructor(change: Partial<LeaseRecord> = {}) {
    const lease = { ...aRef({ id: ID }), createdAt: instant(0) };
    const spec = valid(aSpec({ secret: { propagation: 'Nudge' } }));
    this.object = aLeaseRecord({ spec, status: aStatus({ lease }), ...change });
  }

  pod(name: string, change: Partial<PodRecord> = {}): void {
    this.pods.set(name, {
      key: `shop/${name}`,
      namespace: 'shop',
      name,
      uid: `uid of ${name}`,
      resourceVersion: '1',
      createdAt: NOW - 10 * MINUTE,
      runs: true,
      secrets: ['orders-db'],
      nudges: {},
      ...change,
    });
  }

  /** The pods that carry the id of the lease. */
  get nudged(): readonly string[] {
    return [...this.pods.values()]
      .filter(({ nudges }) => nudges[nudgeKey('orders-db')] === ID)
      .map(({ name }) => name);
  }

  #resource(): PodResource {
    return {
      knowledgeOf: () => this.knowledge,
      mounting: (namespace, secret) =>
        [...this.pods.values()].filter((pod) => pod.namespace === namespace && pod.secrets.includes(secret)),
      follow: () => () => undefined,
      nudge: async (pod, annotations) => {
        await Promise.resolve(this.tried.push(pod.name));
        const fate = this.fates.get(pod.name) ?? this.fates.get('*');
        this.fates.delete(pod.name);
        if (fate !== undefined) throw fate;
        this.pod(pod.name, { ...pod, nudges: annotations });
      },
    };
  }

  reconcile(): Promise<NudgeOutcome> {
    const { metrics, events, log } = this.telemetry;
    const pods = this.nudges ? this.#resource() : undefined;
    const { ahead } = this;
    return reconcileNudges(
      {
        cluster: { pods, now: () => this.clock.wall(), leases: { get: () => this.object } },
        serverNow: () => (ahead === undefined ? undefined : this.clock.wall() + ahead),
        retries: this.#retries,
        timing: standardTiming,
        log,
        metrics,
        events,
      },
      KEY,
      this.stop.signal,
    );
  }
}

const refused = (status: number, reason: string, fields: readonly string[] = []): KubeError =>
  new KubeError('patch pods', { status, reason, fields });
const forbidden = refused(403, 'Forbidden');
const warning = 'Warning NudgeFailed shop/orders-db';

describe('new credentials', () => {
  test('are told to the pods that mount them, once', async () => {
    const town = new Town();
    for (const name of ['one', 'two']) town.pod(name);
    town.pod('elsewhere', { namespace: 'stock' });
    town.pod('younger', { createdAt: NOW + 10 * SECOND });
    expect(await town.reconcile()).toEqual({});
    expect(town.nudged).toEqual(['one', 'two']);
    expect(town.telemetry.counts).toEqual(['pod: nudged', 'pod: nudged']);
    expect(await town.reconcile()).toEqual({});
    expect(town.tried).toEqual(['one', 'two']);
    expect(town.telemetry.told).toEqual([]);
  });

  const cases: Readonly<Record<string, (town: Town) => void>> = {
    'the operator nudges nothing': (town) => {
      town.nudges = false;
    },
    'the object is gone': (town) => {
      town.object = undefined;
    },
    'the kubelets have looked by themselves': (town) => town.clock.advance(overlap),
  };

  test.each(Object.entries(cases))('are told to nobody when %s', async (_what, change) => {
    const town = new Town();
    town.pod('one');
    change(town);
    expect([await town.reconcile(), town.tried]).toEqual([{}, []]);
  });

  const status = aStatus({ lease: { ...aRef({ id: ID }), createdAt: instant(0) } });
  const { lease: _lease, ...withoutLease } = status;
  const { secret: _secret, ...withoutSecret } = status;

  test.each<[what: string, change: Partial<LeaseRecord>]>([
    ['does not ask for it', { spec: valid(aSpec()) }],
    ['asks for the opposite', { spec: valid(aSpec({ secret: { propagation: 'Kubelet' } })) }],
    ['is suspended', { spec: valid(aSpec({ suspend: true, secret: { propagation: 'Nudge' } })) }],
    ['is being deleted', { deletedAt: NOW }],
    ['has no lease', { status: withoutLease }],
    ['has no Secret', { status: withoutSecret }],
    ['does not know when its lease was made', { status: aStatus({ lease: aRef({ id: ID }) }) }],
  ])('of an object that %s are told to nobody', async (_what, change) => {
    const town = new Town(change);
    town.pod('one');
    expect([await town.reconcile(), town.tried]).toEqual([{}, []]);
  });

  test('are those of the Secret that holds the lease, whatever name the spec has by now', async () => {
    const town = new Town({ spec: valid(aSpec({ secret: { name: 'new-name', propagation: 'Nudge' } })) });
    town.pod('one');
    town.pod('two', { secrets: ['new-name'] });
    await town.reconcile();
    expect(town.nudged).toEqual(['one']);
  });

  test.each([
    ['ahead', 30 * MINUTE],
    ['behind', -30 * MINUTE],
  ])('are as old as the clock of their server says, though it is %s', async (_what, ahead) => {
    const lease = { ...aRef({ id: ID }), createdAt: instant(ahead) };
    const town = new Town({ status: aStatus({ lease }) });
    town.ahead = ahead;
    town.pod('one');
    town.pod('younger', { createdAt: NOW + 10 * SECOND });
    town.clock.advance(overlap - SECOND);
    await town.reconcile();
    expect(town.nudged).toEqual(['one']);
  });

  test('are as old as the clock of the Kubernetes API says while that of their server is not known', async () => {
    const town = new Town();
    town.ahead = undefined;
    town.pod('one');
    await town.reconcile();
    expect(town.nudged).toEqual(['one']);
  });
});

describe('pods that are not known', () => {
  test('yet are looked for again, while it is of use', async () => {
    const town = new Town();
    town.pod('one');
    town.knowledge = 'none';
    expect(await town.reconcile()).toEqual({ again: nudgeLook });
    town.clock.advance(overlap - nudgeLook);
    expect([await town.reconcile(), town.tried]).toEqual([{}, []]);
    expect(town.telemetry.told).toEqual([]);
  });

  test('for want of rights are told of, and nudged when they come to be known', async () => {
    const town = new Town();
    town.pod('one');
    town.knowledge = 'forbidden';
    expect(await town.reconcile()).toEqual({ faulted: true });
    expect(town.telemetry.told).toEqual([warning]);
    town.knowledge = 'full';
    await town.reconcile();
    expect(town.nudged).toEqual(['one']);
  });
});

describe('a pod that cannot be nudged', () => {
  test.each([
    ['is gone', refused(404, 'NotFound')],
    ['has changed', refused(409, 'Conflict')],
    ['is another of its name', refused(422, 'Invalid', ['metadata.uid'])],
  ])('because it %s is no fault', async (_why, fate) => {
    const town = new Town();
    for (const name of ['one', 'two']) town.pod(name);
    town.fates.set('one', fate);
    expect(await town.reconcile()).toEqual({});
    expect([town.nudged, town.telemetry.counts, town.telemetry.told]).toEqual([['two'], ['pod: nudged'], []]);
  });

  test('because somebody refuses it is told of and tried again; the others are nudged', async () => {
    const town = new Town();
    for (const name of ['one', 'two']) town.pod(name);
    town.fates.set('one', forbidden);
    expect(await town.reconcile()).toEqual({ again: backoffBase / 2, faulted: true });
    expect(town.nudged).toEqual(['two']);
    expect(town.telemetry.counts).toEqual(['pod: failed', 'pod: nudged']);
    expect(town.telemetry.told).toEqual([warning]);
    town.clock.advance(backoffBase / 2);
    expect(await town.reconcile()).toEqual({});
    expect(town.nudged).toEqual(['one', 'two']);
  });

  test('is not tried again before its time, whatever is told of it meanwhile', async () => {
    const town = new Town();
    town.pod('one');
    town.fates.set('*', forbidden);
    await town.reconcile();
    town.clock.advance(100);
    expect(await town.reconcile()).toEqual({ again: backoffBase / 2 - 100 });
    expect(town.tried).toEqual(['one']);
  });

  test('is tried a few times, and never after the time in which it is of use', async () => {
    const town = new Town();
    town.pod('one');
    town.fates.set('*', forbidden);
    let { again } = await town.reconcile();
    while (again !== undefined) {
      town.clock.advance(again);
      ({ again } = await town.reconcile());
    }
    expect(town.clock.wall()).toBeLessThan(NOW + overlap);
    expect(town.tried.length).toBeGreaterThan(3);
    expect(town.tried.length).toBeLessThan(15);
  });

  test('because nobody answers leaves the others for the next time', async () => {
    const town = new Town();
    for (const name of ['one', 'two']) town.pod(name);
    town.fates.set('one', new KubeError('patch pods', { reason: 'Timeout' }));
    expect(await town.reconcile()).toEqual({ again: backoffBase / 2, faulted: true });
    expect(town.tried).toEqual(['one']);
    town.clock.advance(backoffBase);
    await town.reconcile();
    expect(town.nudged).toEqual(['one', 'two']);
  });

  test('for want of a right does not cost a request for each of very many', async () => {
    const town = new Town();
    for (let index = 0; index < 1000; index += 1) town.pod(`pod-${String(index)}`);
    town.fates.set('*', forbidden);
    await town.reconcile();
    expect(town.tried).toHaveLength(10);
  });

  test('by a fault of the program is a fault of the program', async () => {
    const town = new Town();
    town.pod('one');
    town.fates.set('one', new TypeError('a defect'));
    await expect(town.reconcile()).rejects.toThrow('a defect');
  });
});

test('no pod is begun when everything is to stop', async () => {
  const town = new Town();
  town.pod('one');
  town.stop.abort();
  await town.reconcile();
  expect(town.tried).toEqual([]);
});
