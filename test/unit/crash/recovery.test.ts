import { expect, it } from 'vitest';

import { recoveryOf, type Recovery } from '../../crash/recovery.ts';

interface Stage {
  readonly recovery: Recovery;
  /** The requests of the second process so far. */
  readonly sent: string[];
  readonly absences: { killedAt: number; readyAt: number | undefined }[];
}

/** A life whose first process is killed at its first request. */
function stage(): Stage {
  const sent: string[] = [];
  const absences: Stage['absences'] = [];
  const faults = [{ point: 'POST lease orders #1', when: 'after-commit' }] as const;
  const processes = [['POST lease orders #1'], sent];
  return {
    recovery: recoveryOf({ faults, recorder: { processes }, operators: { absences } }),
    sent,
    absences,
  };
}

const [lease, secret, login] = ['POST lease orders #1', 'POST secrets orders #1', 'POST /api/login #1'];

it('sees what the successor sends until the next step of each object', () => {
  const { recovery, sent, absences } = stage();
  absences.push({ killedAt: Date.now(), readyAt: Date.now() });
  sent.push(login, lease, 'POST lease stock #1');
  recovery.reached('stock ready');
  sent.push(secret, 'POST secrets stock #1');
  recovery.reached('orders ready');
  sent.push('PATCH secrets orders #1');
  recovery.reached('orders rotated');
  expect(recovery.seen().windows).toEqual({
    orders: [login, lease, secret],
    stock: [login, 'POST lease stock #1'],
  });
});

it('sees it for both objects until a step of both', () => {
  const { recovery, sent, absences } = stage();
  absences.push({ killedAt: Date.now(), readyAt: Date.now() });
  sent.push(lease);
  recovery.reached('settled');
  sent.push(secret);
  expect(recovery.seen().windows).toEqual({ orders: [lease], stock: [] });
});

it('takes a step that is reached before the successor works for the killed one’s', () => {
  const { recovery, sent, absences } = stage();
  absences.push({ killedAt: Date.now(), readyAt: undefined });
  recovery.reached('orders ready');
  absences[0] = { killedAt: Date.now(), readyAt: Date.now() };
  sent.push(lease);
  recovery.reached('orders rotated');
  expect(recovery.seen().windows.orders).toEqual([lease]);
});

it('takes no step before the kill for a recovery', () => {
  const { recovery } = stage();
  recovery.reached('orders ready');
  expect(recovery.seen().longest).toBeUndefined();
});

it('measures from each kill to the next step alone', () => {
  const { recovery, absences } = stage();
  absences.push({ killedAt: Date.now() - 5000, readyAt: Date.now() });
  recovery.reached('orders ready');
  const { longest } = recovery.seen();
  absences[0] = { killedAt: Date.now() - 50_000, readyAt: Date.now() };
  recovery.reached('orders rotated');
  expect(longest).toBeGreaterThanOrEqual(5000);
  expect(recovery.seen().longest).toBe(longest);
});
