import { describe, expect, test } from 'vitest';

import type { RestartTarget } from '../../../src/api/restart.ts';
import { RESTART_PREFIX, restartKey } from '../../../src/restart/annotation.ts';
import { beginOf, restartsOf, standingOf, type Renewal, type Workload } from '../../../src/restart/plan.ts';
import { NOW, SECOND } from '../../support/builders.ts';

const byName: RestartTarget = { kind: 'Deployment', name: 'orders' };
const byLabel: RestartTarget = { kind: 'Deployment', selector: { matchLabels: { uses: 'orders-db' } } };

function renewal(change: Partial<Renewal> = {}): Renewal {
  return { name: 'orders-db', lease: 'lease-2', since: NOW, targets: [byName], ...change };
}

function workload(change: Partial<Workload> = {}): Workload {
  return {
    kind: 'Deployment',
    name: 'orders',
    labels: { uses: 'orders-db' },
    annotations: {},
    rollout: { phase: 'Complete' },
    ...change,
  };
}

const annotation = (lease: string, name = 'orders-db'): Readonly<Record<string, string>> => ({
  [restartKey(name)]: lease,
});

describe('the key of the annotation', () => {
  test.each([
    ['orders-db', `${RESTART_PREFIX}orders-db`],
    ['a'.repeat(63), `${RESTART_PREFIX}${'a'.repeat(63)}`],
  ])('of %s says its name', (name, key) => {
    expect(restartKey(name)).toBe(key);
  });

  test('of a long name is one that Kubernetes takes, and its own', () => {
    const [one, other] = [`${'a'.repeat(49)}.${'b'.repeat(50)}`, `${'a'.repeat(49)}.${'c'.repeat(50)}`].map(
      restartKey,
    );
    expect(one).toMatch(/^restart\.leaseholder\.dev\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])$/);
    expect(one).not.toBe(other);
  });
});

describe('restarts begin', () => {
  test('a while after the first lease that waits for one', () => {
    const later = renewal({ since: NOW + 20 * SECOND });
    expect(beginOf([later, renewal()], 30 * SECOND)).toBe(NOW + 30 * SECOND);
  });

  test('never where none waits', () => {
    expect(beginOf([], 30 * SECOND)).toBeUndefined();
  });
});

describe('what is changed', () => {
  test.each<[what: string, target: RestartTarget, meant: boolean]>([
    ['by its name', byName, true],
    ['by its labels', byLabel, true],
    ['of another name', { kind: 'Deployment', name: 'other' }, false],
    ['of another kind', { kind: 'StatefulSet', name: 'orders' }, false],
    ['with other labels', { kind: 'Deployment', selector: { matchLabels: { uses: 'x' } } }, false],
  ])('a workload that is named %s: %s', (_what, target, meant) => {
    const restarts = restartsOf([renewal({ targets: [target] })], [workload()]);
    expect(restarts.map(({ annotations }) => annotations)).toEqual(meant ? [annotation('lease-2')] : []);
  });

  test('one that has taken the lease up is not', () => {
    expect(restartsOf([renewal()], [workload({ annotations: annotation('lease-2') })])).toEqual([]);
  });

  test('one that has taken an earlier one up is, once for all objects that name it', () => {
    const fifty = Array.from({ length: 50 }, (_, index) => renewal({ name: `db-${String(index)}` }));
    const [restart, ...others] = restartsOf(fifty, [
      workload({ annotations: annotation('lease-1', 'db-0') }),
    ]);
    expect(others).toEqual([]);
    expect(restart?.annotations).toEqual(
      Object.assign({}, ...fifty.map(({ name }) => annotation('lease-2', name))),
    );
  });

  test('one that is paused is not, and one whose pods somebody deletes is', () => {
    const rollouts = ['Paused', 'OnDelete'].map((reason) => ({ phase: 'Paused', reason }) as const);
    const [paused, onDelete] = rollouts.map((rollout) => restartsOf([renewal()], [workload({ rollout })]));
    expect([paused?.length, onDelete?.length]).toEqual([0, 1]);
  });
});

function standing(...workloads: readonly Workload[]): unknown {
  const { complete, workloads: told } = standingOf(renewal({ targets: [byName, byLabel] }), workloads);
  return { complete, told };
}

describe('the status says', () => {
  const told = { kind: 'Deployment', name: 'orders' };

  test('that a workload waits for its restart', () => {
    expect(standing(workload())).toEqual({ complete: false, told: [{ ...told, phase: 'Pending' }] });
  });

  test('how far the rollout of one that was changed has come', () => {
    const annotations = annotation('lease-2');
    expect(standing(workload({ annotations, rollout: { phase: 'RollingOut' } }))).toEqual({
      complete: false,
      told: [{ ...told, phase: 'RollingOut' }],
    });
    expect(standing(workload({ annotations }))).toEqual({
      complete: true,
      told: [{ ...told, phase: 'Complete' }],
    });
  });

  test('that one is paused', () => {
    const rollout = { phase: 'Paused', reason: 'Paused' } as const;
    expect(standing(workload({ rollout }))).toEqual({ complete: false, told: [{ ...told, ...rollout }] });
  });

  test('that one does not exist, where it is named', () => {
    expect(standing()).toEqual({
      complete: false,
      told: [{ ...told, phase: 'Failed', reason: 'NotFound' }],
    });
  });

  test('that all is done where no label selects anything', () => {
    expect(standingOf(renewal({ targets: [byLabel] }), [])).toMatchObject({ complete: true, workloads: [] });
  });
});
