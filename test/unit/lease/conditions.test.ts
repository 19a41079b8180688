import { describe, expect, test } from 'vitest';

import type { Condition } from '../../../src/api/condition.ts';
import type { LeaseStatus } from '../../../src/api/dynamic-secret-lease.ts';
import { fault } from '../../../src/errors.ts';
import type { DecisionInput, ObjectView } from '../../../src/lease/input.ts';
import { decide } from '../../../src/lease/decide.ts';
import { report } from '../../../src/lease/report.ts';
import {
  absent,
  aDynamicSecret,
  anInput,
  aNewInput,
  anOpenRequest,
  aSpec,
  ELAPSED,
  failures,
  HOST,
  HOUR,
  inHand,
  instant,
  invalidSpec,
  MINUTE,
  NOW,
  refused,
  valid,
} from '../../support/builders.ts';

/** The status as a pass over the input reports it: refusals of the plan included. */
function reported(input: DecisionInput & { object: ObjectView }): LeaseStatus {
  const { step } = decide(input);
  return report(input, input.object, step.do === 'refuse' ? step.fault : undefined);
}

/** Each condition in two words. */
function words(status: LeaseStatus): unknown {
  return Object.fromEntries(
    (status.conditions ?? []).map((one) => [one.type, `${one.status} ${one.reason}`]),
  );
}

const notFound = fault('ConnectionNotFound', { kind: 'InfisicalConnection', name: 'infisical' });
const limited = fault('LeaseLimitReached', {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  dynamicSecret: 'orders-postgres',
});
const otherPath = valid(aSpec({ dynamicSecret: { ...aSpec().dynamicSecret, path: '/eu' } }));
const expired = { lease: NOW + HOUR };

describe('the conditions', () => {
  const cases: Record<
    string,
    { input: DecisionInput & { object: ObjectView }; expected: [string, string, string] }
  > = {
    'of a live lease: Ready': {
      input: anInput(),
      expected: ['True LeaseActive', 'False Settled', 'False Accepted'],
    },
    'of a new object: Reconciling': {
      input: aNewInput(),
      expected: ['False Leasing', 'True Leasing', 'False Accepted'],
    },
    'while a lease is in hand: Reconciling': {
      input: aNewInput({ memory: { inHand: inHand() } }),
      expected: ['False Delivering', 'True Delivering', 'False Accepted'],
    },
    'while a request is open: Reconciling': {
      input: aNewInput({ memory: { open: anOpenRequest() } }),
      expected: ['False Settling', 'True Settling', 'False Accepted'],
    },
    'of a failing rotation with life left: Ready, and Reconciling with the fault': {
      input: anInput({ memory: { failures: failures({ fault: limited }) } }),
      expected: ['True LeaseActive', 'True LeaseLimitReached', 'False Accepted'],
    },
    'of a failing first lease: Reconciling with the fault': {
      input: aNewInput({ memory: { failures: failures({ fault: limited }) } }),
      expected: ['False LeaseLimitReached', 'True LeaseLimitReached', 'False Accepted'],
    },
    'of a fault of an earlier generation: as if it had not been': {
      input: aNewInput({ object: { generation: 2 }, memory: { failures: failures({ fault: limited }) } }),
      expected: ['False Leasing', 'True Leasing', 'False Accepted'],
    },
    'of a refused delivery: Reconciling with its fault': {
      input: aNewInput({ memory: { blocked: fault('SecretConflict', { secret: 'orders-db' }) } }),
      expected: ['False SecretConflict', 'True SecretConflict', 'False Accepted'],
    },
    'of an expired lease: not Ready': {
      input: anInput({ now: expired }),
      expected: ['False LeaseExpired', 'True LeaseExpired', 'False Accepted'],
    },
    'at the very end of a lease: not Ready': {
      input: anInput({ now: { lease: NOW + 50 * MINUTE } }),
      expected: ['False LeaseExpired', 'True LeaseExpired', 'False Accepted'],
    },
    'of an expired lease that cannot be replaced: the fault': {
      input: anInput({ now: expired, memory: { failures: failures({ fault: limited }) } }),
      expected: ['False LeaseLimitReached', 'True LeaseLimitReached', 'False Accepted'],
    },
    'of a lease that is gone on the server: not Ready': {
      input: anInput({ memory: { settled: new Set(['lease-1']) } }),
      expected: ['False LeaseExpired', 'True LeaseExpired', 'False Accepted'],
    },
    'of a deleted Secret: not Ready': {
      input: anInput({ secret: absent }),
      expected: ['False Leasing', 'True Leasing', 'False Accepted'],
    },
    'of a Secret that keeps being deleted: the fault': {
      input: anInput({ secret: absent, memory: { healedAt: ELAPSED } }),
      expected: ['False Contended', 'True Contended', 'False Accepted'],
    },
    'of a lease of another target: not Ready': {
      input: anInput({ object: { spec: otherPath } }),
      expected: ['False Leasing', 'True Leasing', 'False Accepted'],
    },
    'of a refused spec: Stalled, though the lease lives': {
      input: anInput({ object: { spec: invalidSpec } }),
      expected: ['False InvalidSpec', 'False Settled', 'True InvalidSpec'],
    },
    'of a refused spec while a lease is in hand: Stalled': {
      input: aNewInput({ object: { spec: invalidSpec }, memory: { inHand: inHand() } }),
      expected: ['False InvalidSpec', 'False Settled', 'True InvalidSpec'],
    },
    'of a missing connection without a lease: Stalled': {
      input: aNewInput({ connection: refused(notFound) }),
      expected: ['False ConnectionNotFound', 'False Settled', 'True ConnectionNotFound'],
    },
    'of a missing connection with a live lease: Ready, and Reconciling with the fault': {
      input: anInput({
        connection: {
          state: 'refused',
          fault: notFound,
          again: undefined,
          identity: undefined,
          revision: '',
        },
      }),
      expected: ['True LeaseActive', 'True ConnectionNotFound', 'False Accepted'],
    },
    'of a missing connection when the lease has expired: Stalled': {
      input: anInput({ connection: refused(notFound), now: expired }),
      expected: ['False ConnectionNotFound', 'False Settled', 'True ConnectionNotFound'],
    },
    'of a login that is refused with a live lease: Ready, and Reconciling with the fault': {
      input: anInput({ connection: refused() }),
      expected: ['True LeaseActive', 'True LoginRefused', 'False Accepted'],
    },
    'of a login that is refused without a lease: Reconciling with the fault': {
      input: aNewInput({ connection: refused() }),
      expected: ['False LoginRefused', 'True LoginRefused', 'False Accepted'],
    },
    'of a deletion: not Ready, Reconciling': {
      input: anInput({ object: { deletedAt: NOW } }),
      expected: ['False Revoking', 'True Revoking', 'False Accepted'],
    },
    'of a deletion whose revocations fail: Reconciling with the fault': {
      input: anInput({
        object: { deletedAt: NOW },
        memory: {
          failures: failures({
            fault: fault('ServerFailed', { host: HOST, status: 500, request: 'revoke' }),
          }),
        },
      }),
      expected: ['False Revoking', 'True ServerFailed', 'False Accepted'],
    },
    'of a deletion of an object with a refused spec: Reconciling, no more Stalled': {
      input: anInput({ object: { deletedAt: NOW, spec: invalidSpec } }),
      expected: ['False Revoking', 'True Revoking', 'False Accepted'],
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { input, expected: [Ready, Reconciling, Stalled] }) => {
    expect(words(reported(input))).toEqual({ Ready, Reconciling, Stalled });
  });

  test('carry the sentence of the fault', () => {
    const status = reported(aNewInput({ memory: { failures: failures({ fault: limited }) } }));
    expect(status.conditions?.[0]?.message).toBe(limited.message);
  });

  test('carry at most as many characters as Kubernetes takes', () => {
    const host = `https://${'a'.repeat(2000)}.example.com`;
    const long = fault('ServerFailed', { host, status: 500, request: 'create a lease' });
    const status = reported(aNewInput({ memory: { failures: failures({ fault: long }) } }));
    expect(status.conditions?.[0]?.message).toBe(long.message.slice(0, 1024));
  });

  test('speak of the generation that was looked at', () => {
    const status = reported(anInput({ object: { generation: 9 } }));
    expect(status.observedGeneration).toBe(9);
    expect(status.conditions?.map((one) => one.observedGeneration)).toEqual([9, 9, 9]);
  });
});

describe('the time of a transition', () => {
  const before: Condition[] = [
    { type: 'Ready', status: 'True', reason: 'LeaseActive', message: '', lastTransitionTime: instant(-HOUR) },
    {
      type: 'Reconciling',
      status: 'False',
      reason: 'Settled',
      message: '',
      lastTransitionTime: instant(-HOUR),
    },
    { type: 'Stalled', status: 'Unknown', reason: '', message: '', lastTransitionTime: instant(-HOUR) },
  ];

  function times(input: DecisionInput & { object: ObjectView }): unknown {
    return reported({
      ...input,
      object: { ...input.object, status: { ...input.object.status, conditions: before } },
    }).conditions?.map((one) => one.lastTransitionTime);
  }

  test('stays while the status of the condition is the same, whatever its reason and message', () => {
    expect(times(anInput())).toEqual([instant(-HOUR), instant(-HOUR), instant(0)]);
  });

  test('is now, by the clock of the Kubernetes API, where the status changes', () => {
    const input = anInput({ memory: { settled: new Set(['lease-1']) }, now: { kube: NOW + MINUTE } });
    expect(times(input)).toEqual([instant(MINUTE), instant(MINUTE), instant(MINUTE)]);
  });
});

function readyMessage(input: DecisionInput & { object: ObjectView }): string {
  return reported(input).conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
}

describe('a wish for nudged pods', () => {
  const unheeded = 'spec.secret.propagation Nudge has no effect';
  const nudging = aSpec({ secret: { propagation: 'Nudge' } });

  test.each([
    ['is told of where the operator nudges none', nudging, false, true],
    ['is not told of where it does', nudging, true, false],
    ['is not told of where there is none', aSpec(), false, false],
    ['is not told of where the opposite is', aSpec({ secret: { propagation: 'Kubelet' } }), false, false],
  ])('%s', (_what, spec, nudgesPods, told) => {
    const message = readyMessage(anInput({ object: { spec: valid(spec) }, nudgesPods }));
    expect(message).toContain('The Secret holds a live lease.');
    expect(message.includes(unheeded)).toBe(told);
  });

  test('is told of beside another wish without effect', () => {
    const spec = valid({ ...nudging, rotation: { strategy: 'Renew' } });
    const memory = { dynamicSecret: aDynamicSecret({ type: 'kubernetes' }) };
    const message = readyMessage(anInput({ object: { spec }, memory }));
    expect(message).toContain(unheeded);
    expect(message).toContain('spec.rotation.strategy Renew has no effect');
  });
});

describe('a message', () => {
  test('does not change with the count of faults, the wait, the time or the lease', () => {
    const once = anInput({ memory: { failures: failures({ fault: limited, count: 1 }) } });
    const often = anInput({
      memory: { failures: failures({ fault: limited, count: 40, nextAt: ELAPSED + 5 * MINUTE }) },
      now: { kube: NOW + 3 * MINUTE, lease: NOW + 3 * MINUTE },
    });
    const messages = [once, often].map((input) => reported(input).conditions?.map((one) => one.message));
    expect(messages[0]).toEqual(messages[1]);
  });
});
