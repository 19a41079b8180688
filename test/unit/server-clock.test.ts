import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { serverClock } from '../../src/server-clock.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const noon = Date.UTC(2026, 0, 1, 12);

/** The `Date` header of an answer that is made at that instant. */
function header(instant: number): string {
  return new Date(instant).toUTCString();
}

describe('the clock of a server', () => {
  test('is not known before the first answer', () => {
    expect(serverClock(virtualClock()).now()).toBeUndefined();
  });

  test.each([undefined, '', 'soon', 'NaN'])('is not learnt from the header %j', (date) => {
    const server = serverClock(virtualClock());
    server.note(date, 0);
    expect(server.now()).toBeUndefined();
  });

  test('is the middle of the second that an immediate answer names', () => {
    const server = serverClock(virtualClock());
    server.note(header(noon), 0);
    expect(server.now()).toBe(noon + 500);
  });

  test('goes on with elapsed time', () => {
    const clock = virtualClock();
    const server = serverClock(clock);
    server.note(header(noon), 0);
    clock.advance(90_000);
    expect(server.now()).toBe(noon + 90_500);
  });

  test('has nothing to do with the clock of this machine', () => {
    const server = serverClock(virtualClock({ wall: 0 }));
    server.note(header(noon), 0);
    expect(server.now()).toBe(noon + 500);
  });

  test('allows for the time that an answer took', () => {
    const clock = virtualClock();
    const server = serverClock(clock);
    clock.advance(4000);
    // Made at any time of the four seconds: at the beginning (then it is four seconds later now) or at the end.
    server.note(header(noon), 0);
    expect(server.now()).toBe(noon + 2500);
  });

  test('becomes sharper with each answer', () => {
    const clock = virtualClock();
    const server = serverClock(clock);
    server.note(header(noon), 0);
    clock.advance(400);
    // Still the same second: at the first answer it was at most 600 ms old.
    server.note(header(noon), 400);
    expect(server.now()).toBe(noon + 700);
  });

  test('follows a server whose clock was set', () => {
    const clock = virtualClock();
    const server = serverClock(clock);
    server.note(header(noon), 0);
    server.note(header(noon + 3_600_000), 0);
    expect(server.now()).toBe(noon + 3_600_500);
    server.note(header(noon - 3_600_000), 0);
    expect(server.now()).toBe(noon - 3_599_500);
  });

  test('keeps what it knows when an answer has no date', () => {
    const server = serverClock(virtualClock());
    server.note(header(noon), 0);
    server.note(undefined, 0);
    expect(server.now()).toBe(noon + 500);
  });

  test('is never further off than half of the second and half of the fastest answer', () => {
    const answers = fc.array(fc.record({ pause: fc.nat(5000), there: fc.nat(3000), back: fc.nat(3000) }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), answers, (offset, some) => {
        const clock = virtualClock();
        const server = serverClock(clock);
        const truth = (): number => noon + offset + clock.elapsed();
        for (const { pause, there, back } of some) {
          clock.advance(pause);
          const sentAt = clock.elapsed();
          clock.advance(there);
          const date = header(truth());
          clock.advance(back);
          server.note(date, sentAt);
        }
        const fastest = Math.min(...some.map(({ there, back }) => there + back));
        expect(Math.abs((server.now() ?? Number.NaN) - truth())).toBeLessThanOrEqual((1000 + fastest) / 2);
      }),
    );
  });
});
