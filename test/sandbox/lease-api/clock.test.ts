import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Clock } from '../../../sandbox/lease-api/clock.ts';
import { Fixture, PATIENCE } from './fixture.ts';

const start = Date.parse('2030-01-01T00:00:00Z');
const DAY = 86_400_000;

describe('the clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: start });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is ahead by its offset and runs at its scale', () => {
    const clock = new Clock({ offsetMs: 5000, scale: 60 });
    expect(clock.now()).toBe(start + 5000);
    vi.advanceTimersByTime(1000);
    expect(clock.now()).toBe(start + 65_000);
    expect(clock.real(start + 125_000)).toBe(start + 2000);
  });

  test('goes on from where it is when its scale changes', () => {
    const clock = new Clock({ scale: 10 });
    vi.advanceTimersByTime(100);
    clock.set({ scale: 1 });
    expect(clock.now()).toBe(start + 1000);
    vi.advanceTimersByTime(100);
    expect(clock.now()).toBe(start + 1100);
    clock.set({ offsetMs: -50 });
    expect(clock.now()).toBe(start + 150);
  });

  test('rings at an instant, however the clock is changed before', () => {
    const clock = new Clock();
    const run = vi.fn<() => void>();
    clock.alarm(start + 10_000, run);
    vi.advanceTimersByTime(4000);
    clock.set({ scale: 2 });
    vi.advanceTimersByTime(2999);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2);
    expect(run).toHaveBeenCalledOnce();
  });

  test('rings after a jump past the instant', () => {
    const clock = new Clock();
    const run = vi.fn<() => void>();
    clock.alarm(start + DAY, run);
    clock.advance(DAY);
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  test('rings once, after months too', () => {
    const clock = new Clock();
    const run = vi.fn<() => void>();
    clock.alarm(start + 100 * DAY, run);
    vi.advanceTimersByTime(99 * DAY);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2 * DAY);
    expect(run).toHaveBeenCalledOnce();
  });

  test('does not ring when called off, when stopped, or at what is no instant', () => {
    const clock = new Clock();
    const run = vi.fn<() => void>();
    clock.alarm(start + 1000, run)();
    clock.alarm(Number.NaN, run);
    clock.alarm(start + 1000, run);
    clock.stop();
    vi.advanceTimersByTime(2000);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('the server’s clock', () => {
  test('is in the Date of every answer, refusals included', async () => {
    await using server = await Fixture.start({ clock: { offsetMs: 400 * DAY } });
    const asked = Date.now() + 400 * DAY;
    const answers = [await server.create(), await server.get('x'), await server.call('GET', '/api/nothing')];
    const lease = await server.lease({ ttl: '1h' });
    const answered = Date.now() + 400 * DAY;
    for (const answer of answers) {
      // In whole seconds.
      const date = Date.parse(answer.headers.get('date') ?? '');
      expect(date).toBeGreaterThan(asked - 1000);
      expect(date).toBeLessThanOrEqual(answered);
    }
    const made = Date.parse(lease.expireAt) - 3_600_000;
    expect(made).toBeGreaterThanOrEqual(asked);
    expect(made).toBeLessThanOrEqual(answered);
  });

  test('can run faster: an hour passes in a moment', async () => {
    await using server = await Fixture.start({ clock: { scale: 36_000 } });
    const { id } = await server.lease({ ttl: '1h' });
    await vi.waitFor(async () => expect((await server.get(id)).status).toBe(404), PATIENCE);
  });
});
