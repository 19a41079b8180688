import { describe, expect, test } from 'vitest';

import type { RestartStatus, RestartTarget } from '../../../../src/api/restart.ts';
import { formatInstant } from '../../../../src/instant.ts';
import { KubeError } from '../../../../src/kube/kube-error.ts';
import type { LeaseRecord, WorkloadRecord } from '../../../../src/reconcile/ports.ts';
import { reconcileRestarts, type RestartOutcome } from '../../../../src/reconcile/restart/reconciler.ts';
import { restartKey } from '../../../../src/restart/annotation.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { aLeaseRecord, aRef, aSpec, aStatus, NOW, SECOND, valid } from '../../../support/builders.ts';
import { memoryLog } from '../../kube/support/telemetry.ts';
import { countedMetrics, rememberedEvents } from '../support/telemetry.ts';

const { restartWindow, restartLook, restartRetry } = standardTiming;
const target: RestartTarget = { kind: 'Deployment', name: 'orders' };

/** A namespace with objects whose lease was replaced just now, and workloads. */
class Town {
  now = NOW + restartWindow;
  readonly calls: string[] = [];
  readonly begun = new Map<string, ReadonlySet<string>>();
  readonly telemetry = { ...countedMetrics(), ...rememberedEvents(), ...memoryLog() };
  readonly objects = new Map<string, LeaseRecord>();
  readonly workloads = new Map<string, WorkloadRecord>();
  /** What the next request of that name meets. */
  readonly fates = new Map<string, KubeError>();

  object(
    name: string,
    restart: Partial<RestartStatus> = {},
    targets: readonly RestartTarget[] = [target],
  ): void {
    const status = aStatus({
      lease: { ...aStatus().lease, ...aRef({ id: `lease of ${name}` }) },
      restart: { lease: `lease of ${name}`, since: formatInstant(NOW), complete: false, ...restart },
    });
    const spec = valid(aSpec({ restart: [...targets] }));
    this.objects.set(name, aLeaseRecord({ key: `shop/${name}`, name, spec, status }));
  }

  workload(name: string, change: Partial<WorkloadRecord> = {}): void {
    this.workloads.set(name, {
      kind: 'Deployment',
      namespace: 'shop',
      name,
      resourceVersion: '1',
      labels: {},
      annotations: {},
      rollout: { phase: 'Complete' },
      ...change,
    });
  }

  /** Its rollout goes on. */
  roll(name: string, rollout: WorkloadRecord['rollout']): void {
    this.workload(name, { ...this.workloads.get(name), rollout });
  }

  restartOf(name: string): RestartStatus | undefined {
    return this.objects.get(name)?.status.restart;
  }

  #meet(call: string): void {
    this.calls.push(call);
    const fate = this.fates.get(call);
    this.fates.delete(call);
    if (fate !== undefined) throw fate;
  }

  reconcile(): Promise<RestartOutcome> {
    const { metrics, events, log } = this.telemetry;
    return reconcileRestarts(
      {
        timing: standardTiming,
        log,
        metrics,
        events,
        begun: this.begun,
        cluster: {
          now: () => this.now,
          leases: {
            inNamespace: () => [...this.objects.values()],
            look: async (key) => {
              await Promise.resolve(this.#meet('look at the object'));
              return this.objects.get(key.slice('shop/'.length));
            },
            patchStatus: async (key, body) => {
              await Promise.resolve(this.#meet('patch status'));
              const name = key.slice('shop/'.length);
              const before = this.objects.get(name) ?? aLeaseRecord();
              const { restart } = (body as { status: { restart: RestartStatus } }).status;
              const after = { ...before, status: { ...before.status, restart } };
              this.objects.set(name, after);
              return after;
            },
          },
          workloads: {
            look: async (_kind, _namespace, name) => {
              await Promise.resolve(this.#meet('look'));
              return this.workloads.get(name);
            },
            list: async () => {
              await Promise.resolve(this.#meet('list'));
              return [...this.workloads.values()];
            },
            annotate: async ({ name }, annotations) => {
              await Promise.resolve(this.#meet('annotate'));
              const before = this.workloads.get(name);
              this.workload(name, {
                ...before,
                annotations: { ...before?.annotations, ...annotations },
                rollout: { phase: 'RollingOut' },
              });
              return this.workloads.get(name) ?? Promise.reject(new Error('It is gone.'));
            },
          },
        },
      },
      'shop',
    );
  }
}

const refused = (status: number, reason: string): KubeError => new KubeError('patch', { status, reason });

describe('the restarts of a namespace', () => {
  test('of which no object waits for one cost nothing', async () => {
    const town = new Town();
    town.object('orders-db', { complete: true });
    expect([await town.reconcile(), town.calls]).toEqual([{}, []]);
  });

  test('wait for what else is replaced within the window', async () => {
    const town = new Town();
    town.now = NOW + 10 * SECOND;
    town.object('orders-db');
    expect([await town.reconcile(), town.calls]).toEqual([{ again: 20 * SECOND }, []]);
  });

  test('change the pod template, follow the rollout to its end, and say so with one write', async () => {
    const town = new Town();
    town.object('orders-db');
    town.workload('orders');
    expect(await town.reconcile()).toEqual({ again: restartLook });
    expect(town.calls).toEqual(['look', 'annotate']);
    expect(town.workloads.get('orders')?.annotations).toEqual({
      [restartKey('orders-db')]: 'lease of orders-db',
    });
    expect(await town.reconcile()).toEqual({ again: restartLook });
    expect(town.calls.slice(2)).toEqual(['look']);
    town.roll('orders', { phase: 'Complete' });
    expect(await town.reconcile()).toEqual({});
    expect(town.calls.slice(3)).toEqual(['look', 'patch status']);
    expect(town.restartOf('orders-db')).toMatchObject({ complete: true, workloads: [{ phase: 'Complete' }] });
    expect(town.telemetry.told).toEqual(['Normal WorkloadsRestarted shop/orders-db']);
    expect(town.begun.size).toBe(1);
    await town.reconcile();
    expect(town.begun.size).toBe(0);
  });

  test('that take longer than a minute are told of, once', async () => {
    const town = new Town();
    town.object('orders-db');
    town.workload('orders');
    await town.reconcile();
    town.now += restartRetry;
    await town.reconcile();
    expect(town.restartOf('orders-db')?.workloads).toEqual([
      { kind: 'Deployment', name: 'orders', phase: 'RollingOut' },
    ]);
    await town.reconcile();
    expect(town.calls.filter((call) => call === 'patch status')).toHaveLength(1);
  });

  test('that are begun leave what is replaced later its own window', async () => {
    const town = new Town();
    town.object('orders-db');
    town.workload('orders');
    await town.reconcile();
    town.now += 10 * SECOND;
    town.object('mail-db', { since: formatInstant(town.now) });
    expect(await town.reconcile()).toEqual({ again: restartLook });
    expect(town.calls.filter((call) => call === 'annotate')).toHaveLength(1);
    town.now += restartWindow;
    await town.reconcile();
    expect(town.calls.filter((call) => call === 'annotate')).toHaveLength(2);
  });

  test('of fifty leases that name one workload are one', async () => {
    const town = new Town();
    for (let index = 0; index < 50; index += 1) town.object(`db-${String(index)}`);
    town.workload('orders');
    await town.reconcile();
    expect(town.calls.filter((call) => call === 'annotate')).toHaveLength(1);
    expect(town.calls.filter((call) => call === 'look')).toHaveLength(1);
    expect(Object.keys(town.workloads.get('orders')?.annotations ?? {})).toHaveLength(50);
  });

  test('leave a paused workload alone, say so, and go on when it does', async () => {
    const town = new Town();
    town.object('orders-db');
    town.workload('orders', { rollout: { phase: 'Paused', reason: 'Paused' } });
    expect(await town.reconcile()).toEqual({ again: restartRetry });
    expect(town.restartOf('orders-db')?.workloads).toMatchObject([{ phase: 'Paused', reason: 'Paused' }]);
    town.roll('orders', { phase: 'Complete' });
    await town.reconcile();
    expect(town.calls.filter((call) => call === 'annotate')).toHaveLength(1);
  });

  test('that name a workload which does not exist say so, and are tried again', async () => {
    const town = new Town();
    town.object('orders-db');
    expect(await town.reconcile()).toEqual({ again: restartRetry });
    expect(town.restartOf('orders-db')?.workloads).toMatchObject([{ phase: 'Failed', reason: 'NotFound' }]);
    expect(town.telemetry.told).toEqual(['Warning RestartFailed shop/orders-db']);
    town.workload('orders');
    expect(await town.reconcile()).toEqual({ again: restartLook });
  });

  test.each([
    ['looked at', 'look'],
    ['changed', 'annotate'],
  ])('without the right for what is %s say so, once, and are tried again', async (_what, call) => {
    const town = new Town();
    town.object('orders-db');
    town.workload('orders');
    for (let times = 0; times < 2; times += 1) {
      town.fates.set(call, refused(403, 'Forbidden'));
      expect(await town.reconcile()).toEqual({ again: restartRetry, faulted: true });
    }
    expect(town.restartOf('orders-db')).toMatchObject({
      complete: false,
      workloads: [{ name: 'orders', phase: 'Failed', reason: 'Forbidden' }],
    });
    expect(town.telemetry.told.filter((told) => told.includes('RestartFailed'))).toHaveLength(1);
  });

  test('without the right to list are not complete, though nothing is known to be selected', async () => {
    const town = new Town();
    const selector = { matchLabels: { uses: 'orders-db' } };
    town.object('orders-db', {}, [{ kind: 'StatefulSet', selector }]);
    town.fates.set('list', refused(403, 'Forbidden'));
    expect(await town.reconcile()).toEqual({ again: restartRetry, faulted: true });
    expect(town.restartOf('orders-db')).toMatchObject({
      complete: false,
      workloads: [{ kind: 'StatefulSet', name: '', phase: 'Failed', reason: 'Forbidden' }],
    });
  });

  test('whose workload has changed meanwhile are tried again on what is there', async () => {
    const town = new Town();
    town.object('orders-db');
    town.workload('orders');
    town.fates.set('annotate', refused(409, 'Conflict'));
    expect(await town.reconcile()).toEqual({ again: restartLook });
    expect(town.workloads.get('orders')?.annotations).toEqual({});
    await town.reconcile();
    expect(town.workloads.get('orders')?.rollout).toEqual({ phase: 'RollingOut' });
  });

  test('whose object has changed meanwhile are told of with the next look', async () => {
    const town = new Town();
    town.object('orders-db');
    town.workload('orders');
    await town.reconcile();
    town.roll('orders', { phase: 'Complete' });
    town.fates.set('patch status', refused(409, 'Conflict'));
    expect(await town.reconcile()).toEqual({ again: restartLook });
    expect(town.calls.slice(-2)).toEqual(['patch status', 'look at the object']);
    expect(await town.reconcile()).toEqual({});
    expect(town.restartOf('orders-db')?.workloads).toMatchObject([{ phase: 'Complete' }]);
    expect(town.calls.filter((call) => call === 'annotate')).toHaveLength(1);
  });
});
