import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Outcome } from '../../../../src/infisical/exchange.ts';
import { allowanceAt, learn, nextTurn, type Allowance } from '../../../../src/infisical/gate/allowance.ts';

const NOW = 1_000_000;
const MINUTE = 60_000;

function answer(
  [limit, remaining, reset]: readonly [string?, string?, string?],
  { status = 200, retryAfter }: { status?: number; retryAfter?: string } = {},
): Outcome {
  return {
    kind: 'answered',
    status,
    body: {},
    headers: { retryAfter, rateLimit: { limit, remaining, reset } },
  };
}

const half: Allowance = { limit: 100, left: 50, endsAt: NOW + 30_000, endsAfter: NOW + 29_000 };
/** A window that has begun, and of which no answer has told. */
const fresh: Allowance = { limit: 100, left: 100, endsAt: undefined, endsAfter: NOW };

describe('what is known of a limit', () => {
  const cases: Record<string, [Allowance | undefined, Outcome, Allowance | undefined]> = {
    'is what the first answer tells': [
      undefined,
      answer(['100', '99', '60']),
      { limit: 100, left: 99, endsAt: NOW + MINUTE, endsAfter: NOW + 58_900 },
    ],
    'is nothing without the headers': [
      undefined,
      { kind: 'answered', status: 200, body: {}, headers: {} },
      undefined,
    ],
    'stays after an answer without the headers': [
      half,
      { kind: 'answered', status: 200, body: {}, headers: {} },
      half,
    ],
    'stays after a request without an answer': [
      half,
      { kind: 'failed', sent: true, cause: { kind: 'unreachable', words: 'x' } },
      half,
    ],
    'is the least that answers of one window tell': [
      half,
      answer(['100', '60', '31']),
      { limit: 100, left: 50, endsAt: NOW + 30_000, endsAfter: NOW + 29_900 },
    ],
    'is what a new window has': [
      half,
      answer(['90', '89', '60']),
      { limit: 90, left: 89, endsAt: NOW + MINUTE, endsAfter: NOW + 58_900 },
    ],
    'is not what a window before tells late': [half, answer(['100', '0', '2']), half],
    'is not what the window before tells in a new one': [fresh, answer(['100', '0', '1']), fresh],
    'is what the first answer of a new window tells': [
      { ...fresh, endsAfter: NOW - 1000 },
      answer(['100', '98', '59']),
      { limit: 100, left: 98, endsAt: NOW + 59_000, endsAfter: NOW + 57_900 },
    ],
    'is nothing left after a refusal, for as long as it says': [
      half,
      answer(['100', '0', '31'], { status: 429, retryAfter: '40' }),
      { limit: 100, left: 0, endsAt: NOW + 40_000, endsAfter: NOW - 100 },
    ],
    'is a wait alone after a refusal without a limit': [
      undefined,
      answer([], { status: 429, retryAfter: '7' }),
      { limit: Infinity, left: 0, endsAt: NOW + 7000, endsAfter: NOW - 100 },
    ],
    'is nothing after a refusal that says nothing': [undefined, answer([], { status: 429 }), undefined],
    'is nothing where the reset is an instant': [undefined, answer(['100', '5', '1790000000']), undefined],
    'is nothing where a header is no number': [undefined, answer(['100', 'many', '60']), undefined],
    'is nothing where the limit is nought': [undefined, answer(['0', '0', '60']), undefined],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [before, outcome, after]) => {
    expect(learn(before, outcome, { sentAt: NOW - 100, now: NOW })).toEqual(after);
  });

  test('is a full window once the window is over', () => {
    expect(allowanceAt(half, NOW + 30_000)).toEqual({ ...fresh, endsAfter: NOW + 30_000 });
  });

  test('is nothing once the wait of a refusal without a limit is over', () => {
    expect(allowanceAt({ limit: Infinity, left: 0, endsAt: NOW, endsAfter: NOW }, NOW)).toBeUndefined();
  });
});

describe('the next turn', () => {
  const cases: Record<string, [Allowance, { inFlight: number; lastAt: number }, number]> = {
    'is at once while more than a quarter is left': [half, { inFlight: 24, lastAt: NOW }, 0],
    'keeps a distance in the last quarter': [
      { ...half, left: 24 },
      { inFlight: 0, lastAt: NOW },
      NOW + 30_000 / 25,
    ],
    'counts what is under way': [half, { inFlight: 40, lastAt: NOW }, NOW + 30_000 / 11],
    'is at the end of a window that is used up': [
      { ...half, left: 0 },
      { inFlight: 0, lastAt: NOW },
      NOW + 30_000,
    ],
    'is at once in a new window': [fresh, { inFlight: 99, lastAt: 0 }, 0],
    'is not before an answer where a new window may be used up': [
      fresh,
      { inFlight: 100, lastAt: 0 },
      Infinity,
    ],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [known, traffic, at]) => {
    expect(nextTurn(known, traffic)).toBe(at);
  });

  test('uses every window up, and asks for no more than the server allows', () => {
    const latencies = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 60 }), latencies, (limit, delays) => {
        const { refused, served } = play(limit, delays);
        expect(refused).toBe(0);
        // The first window may be learnt late, and the last is not over.
        expect(served).toBeGreaterThanOrEqual(3 * limit);
      }),
    );
  });
});

/** Four windows of a server that counts as Infisical does, and somebody who always wants to ask. */
function play(limit: number, delays: readonly number[]): { refused: number; served: number } {
  let known: Allowance | undefined = { limit, left: limit, endsAt: undefined, endsAfter: -1 };
  let window = { endsAt: 0, count: 0 };
  let [refused, served, lastAt, sent] = [0, 0, 0, 0];
  const answers: { sentAt: number; at: number; outcome: Outcome }[] = [];
  for (let now = 0; now < 4 * MINUTE; now += 5) {
    for (const due of answers.filter(({ at }) => at <= now)) {
      answers.splice(answers.indexOf(due), 1);
      known = learn(known, due.outcome, { sentAt: due.sentAt, now });
    }
    for (;;) {
      known = allowanceAt(known, now);
      if (known === undefined || nextTurn(known, { inFlight: answers.length, lastAt }) > now) break;
      const delay = delays[sent % delays.length] ?? 1;
      [sent, lastAt] = [sent + 1, now];
      if (window.endsAt <= now) window = { endsAt: now + MINUTE, count: 0 };
      window.count += 1;
      if (window.count > limit) refused += 1;
      else served += 1;
      const reset = String(Math.max(1, Math.ceil((window.endsAt - now) / 1000)));
      const left = String(Math.max(0, limit - window.count));
      answers.push({ sentAt: now, at: now + delay, outcome: answer([String(limit), left, reset]) });
    }
  }
  return { refused, served };
}
