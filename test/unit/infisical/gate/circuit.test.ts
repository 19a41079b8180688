import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  afterExchange,
  afterProbe,
  beginProbe,
  closed,
  type Circuit,
} from '../../../../src/infisical/gate/circuit.ts';
import { healthOf, type Health } from '../../../../src/infisical/gate/health.ts';
import type { Outcome } from '../../../../src/infisical/exchange.ts';

const timing = { probeBase: 1000, probeCap: 15_000 };
const shut = { state: 'closed', failures: 0, probing: false } as const;
const up: Health = { way: 'up' };
const unknown: Health = { way: 'unknown' };
const down: Health = { way: 'down', cause: 'connection refused' };

function after(...all: readonly Health[]): Circuit {
  return all.reduce<Circuit>((circuit, health) => afterExchange(circuit, health, false), closed);
}

function failedProbes(count: number, random = 1): Circuit {
  let circuit: Circuit = closed;
  for (let tries = 0; tries < count; tries += 1)
    circuit = afterProbe(beginProbe(circuit), down, { now: 0, random, timing });
  return circuit;
}

describe('a closed circuit', () => {
  const cases: Record<string, [Circuit, Circuit]> = {
    'asks for no probe after four failures': [after(down, down, down, down), { ...shut, failures: 4 }],
    'asks for one after five': [after(down, down, down, down, down), { ...shut, failures: 5, probing: true }],
    'begins to count anew after any answer': [
      after(down, down, down, down, up, down),
      { ...shut, failures: 1 },
    ],
    'counts nothing that tells nothing': [after(down, down, down, down, unknown), { ...shut, failures: 4 }],
    'asks for a probe after one failed request for the state': [
      afterExchange(closed, down, true),
      { ...shut, failures: 5, probing: true },
    ],
    'stays so when the probe is answered': [
      afterProbe(after(down, down, down, down, down), up, { now: 0, random: 0, timing }),
      closed,
    ],
    'stays so when the probe could not be sent': [
      afterProbe(after(down, down, down, down, down), unknown, { now: 0, random: 0, timing }),
      closed,
    ],
    'opens when it is not': [
      afterProbe(after(down, down, down, down, down), down, { now: 500, random: 0, timing }),
      { state: 'open', tries: 1, probeAt: 1000, probing: false, cause: 'connection refused' },
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [circuit, expected]) => {
    expect(circuit).toEqual(expected);
  });
});

describe('an open circuit', () => {
  test('is not closed by an answer to what was sent before it opened', () => {
    const open = failedProbes(1);
    expect(afterExchange(open, up, false)).toEqual(open);
  });

  test('keeps the cause of its first probe, so that a condition does not change with each', () => {
    const other: Health = { way: 'down', cause: 'no answer in time' };
    const circuit = afterProbe(beginProbe(failedProbes(1)), other, { now: 0, random: 0, timing });
    expect(circuit).toMatchObject({ cause: 'connection refused', tries: 2 });
  });

  test('is closed by one probe that is answered', () => {
    expect(afterProbe(beginProbe(failedProbes(9)), up, { now: 0, random: 0, timing })).toEqual(closed);
  });

  test('waits longer from probe to probe, at most 15 s and never less than half', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (count, random) => {
          const circuit = failedProbes(count, random);
          const longest = Math.min(15_000, 1000 * 2 ** (count - 1));
          const wait = circuit.state === 'open' ? circuit.probeAt : 0;
          expect(wait).toBeGreaterThanOrEqual(longest / 2);
          expect(wait).toBeLessThanOrEqual(longest);
        },
      ),
    );
  });
});

function answered(status: number): Outcome {
  return { kind: 'answered', status, body: {}, headers: {} };
}

function unreadable(status: number): Outcome {
  return { kind: 'unreadable', status, problem: 'not marked as JSON', headers: {} };
}

function failed(kind: 'unreachable' | 'untrusted', sent: boolean, own?: true): Outcome {
  return { kind: 'failed', sent, cause: { kind, words: 'connection refused', ...(own && { own }) } };
}

describe('the health of a server', () => {
  const cases: Record<string, [Outcome, Health]> = {
    'is good after a success': [answered(200), up],
    'is good after a refusal': [answered(403), up],
    'is good after a limit': [answered(429), up],
    'is good after a failure of its own': [answered(500), up],
    'is bad after a 502': [answered(502), { way: 'down', cause: 'status 502' }],
    "is bad after a gateway's page": [unreadable(503), { way: 'down', cause: 'status 503' }],
    'is good after a page of whoever': [unreadable(200), up],
    'is bad where nobody could be reached': [failed('unreachable', false), down],
    'is bad where nobody answered': [
      failed('unreachable', true),
      { way: 'down', cause: 'no answer in time' },
    ],
    'is unknown where this connection does not trust it': [failed('untrusted', false), unknown],
    'is unknown where this connection broke off itself': [failed('unreachable', false, true), unknown],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [outcome, health]) => {
    expect(healthOf(outcome)).toEqual(health);
  });
});
