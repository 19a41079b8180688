import { systemClock, type Clock } from '../../../../src/clock.ts';

/**
 * The machine's clock, sped up: for code that waits long for servers that answer in real time.
 *
 * @param factor how many times as fast; 100 makes 150 s of waiting 1.5 s.
 */
export function hastyClock(factor: number): Clock {
  const real = systemClock();
  return {
    elapsed: () => real.elapsed() * factor,
    wall: () => real.wall(),
    after: (delay, callback) => real.after(delay / factor, callback),
    random: () => 0,
    uuid: () => real.uuid(),
  };
}
