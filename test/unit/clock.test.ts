import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { LONGEST_TIMER, sleep, systemClock } from '../../src/clock.ts';
import { virtualClock } from '../support/virtual-clock.ts';

const machine = vi.hoisted(() => ({ uptime: 1000, readings: 0 }));

vi.mock('node:os', () => ({
  uptime: () => {
    machine.readings += 1;
    return machine.uptime;
  },
}));

describe('the clock of the machine', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    machine.uptime = 1000;
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  test('counts elapsed time from its start', () => {
    const clock = systemClock();
    expect(clock.elapsed()).toBe(0);
    vi.advanceTimersByTime(1234);
    machine.uptime += 1.23;
    expect(clock.elapsed()).toBe(1234);
  });

  test('counts the time that the machine slept', () => {
    const clock = systemClock();
    vi.advanceTimersByTime(1000);
    machine.uptime += 3601;
    expect(clock.elapsed()).toBe(3_601_000);
  });

  test('notices within a hundredth of a second of running that the machine slept', () => {
    const clock = systemClock();
    expect(clock.elapsed()).toBe(0);
    machine.uptime += 3600;
    vi.advanceTimersByTime(10);
    expect(clock.elapsed()).toBe(3_600_000);
  });

  test('reads the uptime once in each of its ticks, however often it is asked', () => {
    const clock = systemClock();
    machine.readings = 0;
    for (let look = 0; look < 100; look += 1) {
      clock.elapsed();
      vi.advanceTimersByTime(1);
    }
    expect(machine.readings).toBe(10);
  });

  test('does not mind the coarse ticks of the uptime', () => {
    const clock = systemClock();
    machine.uptime += 0.5;
    expect(clock.elapsed()).toBe(0);
  });

  test('never steps back', () => {
    const clock = systemClock();
    machine.uptime += 100;
    expect(clock.elapsed()).toBe(100_000);
    machine.uptime = 0;
    vi.advanceTimersByTime(5);
    expect(clock.elapsed()).toBe(100_000);
  });

  test('is not moved by the wall clock', () => {
    const clock = systemClock();
    vi.setSystemTime(new Date('2050-01-01T00:00:00Z'));
    expect(clock.elapsed()).toBe(0);
    expect(clock.wall()).toBe(Date.UTC(2050, 0, 1));
  });

  test('calls back once, when the delay is over', () => {
    const callback = vi.fn();
    systemClock().after(500, callback);
    vi.advanceTimersByTime(499);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test('calls back at once for a delay below zero', () => {
    const callback = vi.fn();
    systemClock().after(-1, callback);
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([LONGEST_TIMER + 1, Infinity, 10 * 31_557_600_000])(
    'takes a delay of %d ms for the longest that a timer keeps, not for none',
    (delay) => {
      const callback = vi.fn();
      systemClock().after(delay, callback);
      vi.advanceTimersByTime(LONGEST_TIMER - 1);
      expect(callback).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
    },
  );

  test('refuses NaN', () => {
    expect(() => systemClock().after(Number.NaN, () => undefined)).toThrow(RangeError);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not call back after a cancel, which is harmless later', () => {
    const callback = vi.fn();
    const timer = systemClock().after(500, callback);
    timer.cancel();
    vi.advanceTimersByTime(1000);
    timer.cancel();
    expect(callback).not.toHaveBeenCalled();
  });

  test('draws numbers of [0, 1), and UUIDs that are all different', () => {
    const clock = systemClock();
    const drawn = Array.from({ length: 100 }, () => clock.random());
    expect(drawn.every((one) => one >= 0 && one < 1)).toBe(true);
    const uuids = new Set(Array.from({ length: 100 }, () => clock.uuid()));
    expect(uuids.size).toBe(100);
    for (const uuid of uuids)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('a sleep', () => {
  test('ends when its time is over', async () => {
    const clock = virtualClock();
    const slept = sleep(clock, 1000);
    await clock.run(999);
    expect(clock.timers).toBe(1);
    await clock.run(1);
    await expect(slept).resolves.toBeUndefined();
  });

  test('ends with the reason of its signal, and leaves no timer', async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const slept = sleep(clock, 1000, controller.signal);
    controller.abort(new Error('shutting down'));
    await expect(slept).rejects.toThrow('shutting down');
    expect(clock.timers).toBe(0);
  });

  test('does not begin when its signal is aborted already', async () => {
    const clock = virtualClock();
    await expect(sleep(clock, 1000, AbortSignal.abort(new Error('shutting down')))).rejects.toThrow(
      'shutting down',
    );
    expect(clock.timers).toBe(0);
  });

  test('lets go of its signal when it is over', async () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    const slept = sleep(clock, 1000, controller.signal);
    await clock.run(1000);
    await slept;
    expect(removed).toHaveBeenCalledWith('abort', expect.any(Function));
  });

  test('refuses NaN', async () => {
    await expect(async () => sleep(virtualClock(), Number.NaN)).rejects.toThrow(RangeError);
  });
});
