import { describe, expect, test } from 'vitest';

import { recordEvents, type EventRecorder } from '../../../src/kube/events.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { standardTiming } from '../../../src/timing.ts';
import type { EventSubject } from '../../../src/telemetry.ts';
import { MINUTE, SECOND } from '../../support/builders.ts';
import { settled, virtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { memoryLog, type Line } from './support/telemetry.ts';

interface Written {
  readonly namespace: string | undefined;
  readonly event: Readonly<Record<string, unknown>>;
}

interface Recording {
  readonly recorder: EventRecorder;
  readonly clock: VirtualClock;
  readonly written: Written[];
  readonly lines: Line[];
  /** The messages of what was sent, in order. */
  readonly messages: readonly unknown[];
}

/** @param answer what becomes of each write, in turn, and of all that follow the last. */
function recording(answer: (signal: AbortSignal | undefined) => Promise<void> = works): Recording {
  const clock = virtualClock();
  const { log, lines } = memoryLog();
  const written: Written[] = [];
  const recorder = recordEvents({
    resource: {
      create(namespace, body, options) {
        written.push({ namespace, event: body as Written['event'] });
        return answer(options?.signal);
      },
    },
    clock,
    timing: standardTiming,
    log,
    now: () => clock.wall(),
  });
  return {
    recorder,
    clock,
    written,
    lines,
    get messages() {
      return written.map(({ event }) => event['message']);
    },
  };
}

const works = (): Promise<void> => Promise.resolve();
const refuses = (): Promise<void> =>
  Promise.reject(new KubeError('create events', { status: 403, reason: 'Forbidden' }));
const fails = (): Promise<void> => Promise.reject(new TypeError('a defect'));
/** Never answers; ends when it is given up. */
const hangs = (signal: AbortSignal | undefined): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<void>();
  signal?.addEventListener('abort', () => reject(new KubeError('create events', { reason: 'Aborted' })));
  return promise;
};

const about: EventSubject = { kind: 'DynamicSecretLease', namespace: 'shop', name: 'orders-db', uid: 'u-1' };
const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `Event ${String(index)}.`);

describe('an event', () => {
  test('is a core event of the object, in its namespace', async () => {
    const { recorder, written } = recording();
    recorder.warn(about, 'LeaseLeft', 'A lease is left to run out.');
    await settled();
    expect(written).toEqual([
      {
        namespace: 'shop',
        event: {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { namespace: 'shop', generateName: 'orders-db.' },
          involvedObject: {
            apiVersion: 'leaseholder.dev/v1alpha1',
            kind: 'DynamicSecretLease',
            namespace: 'shop',
            name: 'orders-db',
            uid: 'u-1',
          },
          type: 'Warning',
          reason: 'LeaseLeft',
          message: 'A lease is left to run out.',
          source: { component: 'leaseholder' },
          reportingComponent: 'leaseholder',
          firstTimestamp: '2026-01-01T00:00:00Z',
          lastTimestamp: '2026-01-01T00:00:00Z',
          count: 1,
        },
      },
    ]);
  });

  test('that is a note is of type Normal', async () => {
    const { recorder, written } = recording();
    recorder.note(about, 'InUse', 'Deletion waits.');
    await settled();
    expect(written[0]?.event['type']).toBe('Normal');
  });

  test('bears the time at which it was told, not that of its write', async () => {
    const { recorder, clock, written } = recording(hangs);
    for (const message of numbered(5)) recorder.warn(about, 'LeaseLeft', message);
    await clock.run(standardTiming.eventDeadline);
    expect(written[4]?.event['lastTimestamp']).toBe('2026-01-01T00:00:00Z');
  });
});

describe('a repetition', () => {
  test.each([
    ['at once', 0, 1],
    ['a little before ten minutes are over', 10 * MINUTE - 1, 1],
    ['after ten minutes', 10 * MINUTE, 2],
  ])('%s', async (_when, wait, writes) => {
    const { recorder, clock, written } = recording();
    recorder.warn(about, 'LeaseLeft', 'A lease is left to run out.');
    await clock.run(wait);
    recorder.warn(about, 'LeaseLeft', 'A lease is left to run out.');
    await settled();
    expect(written).toHaveLength(writes);
  });

  test.each<[string, (recorder: EventRecorder) => void]>([
    ['another object', (recorder) => recorder.warn({ ...about, uid: 'u-2' }, 'LeaseLeft', 'Left.')],
    ['another type', (recorder) => recorder.note(about, 'LeaseLeft', 'Left.')],
    ['another reason', (recorder) => recorder.warn(about, 'LeaseLost', 'Left.')],
    ['another message', (recorder) => recorder.warn(about, 'LeaseLeft', 'Left behind.')],
  ])('is none when it is of %s', async (_what, tell) => {
    const { recorder, written } = recording();
    recorder.warn(about, 'LeaseLeft', 'Left.');
    tell(recorder);
    await settled();
    expect(written).toHaveLength(2);
  });

  test('of what could not be written is not tried sooner', async () => {
    const { recorder, written } = recording(refuses);
    for (let times = 0; times < 3; times += 1) {
      recorder.warn(about, 'LeaseLeft', 'Left.');
      await settled();
    }
    expect(written).toHaveLength(1);
  });
});

describe('telling', () => {
  test.each([
    ['is refused', refuses, 'Forbidden'],
    ['meets a fault of our own', fails, 'Internal'],
  ])('of what %s throws nothing, and is a line of debug', async (_what, answer, why) => {
    const { recorder, lines } = recording(answer);
    recorder.warn(about, 'LeaseLeft', 'Left.');
    await settled();
    expect(lines).toEqual([
      {
        level: 'debug',
        message: 'An event could not be written.',
        fields: { object: 'shop/orders-db', reason: 'LeaseLeft', why },
      },
    ]);
  });

  test('of many writes four at a time, in order', async () => {
    const recorded = recording(hangs);
    const all = numbered(6);
    for (const message of all) recorded.recorder.warn(about, 'LeaseLeft', message);
    await settled();
    expect(recorded.messages).toEqual(all.slice(0, 4));
  });

  test('goes on with the next when a write takes too long', async () => {
    const recorded = recording(hangs);
    for (const message of numbered(6)) recorded.recorder.warn(about, 'LeaseLeft', message);
    await recorded.clock.run(standardTiming.eventDeadline);
    expect(recorded.messages).toEqual(numbered(6));
  });

  test('of too many drops the one that waits longest, says so, and tells it when it comes again', async () => {
    const recorded = recording(hangs);
    // Four are being written, 256 wait.
    const all = numbered(261);
    for (const message of all) recorded.recorder.warn(about, 'LeaseLeft', message);
    expect(recorded.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'An event is dropped; too many wait to be written.'],
    ]);
    await recorded.clock.run(80 * standardTiming.eventDeadline);
    const dropped = all[4] ?? '';
    expect(recorded.messages).toEqual(all.filter((message) => message !== dropped));
    recorded.recorder.warn(about, 'LeaseLeft', dropped);
    await settled();
    expect(recorded.messages.at(-1)).toBe(dropped);
  });
});

describe('the end', () => {
  test('waits until what was told is written, and takes nothing more', async () => {
    const { recorder, clock, written } = recording();
    for (const message of numbered(9)) recorder.warn(about, 'LeaseLeft', message);
    await recorder.close();
    expect(written).toHaveLength(9);
    recorder.warn(about, 'LeaseLeft', 'Too late.');
    await settled();
    expect(written).toHaveLength(9);
    expect(clock.timers).toBe(0);
  });

  test('does not wait for an API server that is silent, and gives up what is left', async () => {
    const recorded = recording(hangs);
    for (const message of numbered(9)) recorded.recorder.warn(about, 'LeaseLeft', message);
    await recorded.clock.run(SECOND);
    const closed = recorded.recorder.close();
    await recorded.clock.run(standardTiming.eventDeadline);
    await closed;
    await settled();
    expect(recorded.written).toHaveLength(8);
    expect(recorded.clock.timers).toBe(0);
  });
});
