import { describe, expect, test } from 'vitest';

import { BURST_OF_ALL, BURST_OF_OBJECT } from '../../../src/kube/event-budget.ts';
import { recordEvents, type EventRecorder } from '../../../src/kube/events.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { standardTiming } from '../../../src/timing.ts';
import type { EventResult, EventSubject } from '../../../src/telemetry.ts';
import { MINUTE, SECOND } from '../../support/builders.ts';
import { settled, virtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { memoryLog, type Line } from './support/telemetry.ts';

interface Written {
  readonly namespace: string | undefined;
  readonly event: Readonly<Record<string, unknown>>;
}

interface Patched {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly patch: unknown;
}

interface Recording {
  readonly recorder: EventRecorder;
  readonly clock: VirtualClock;
  readonly written: Written[];
  readonly patched: Patched[];
  /** What became of each, as the metrics count it. */
  readonly results: EventResult[];
  readonly lines: Line[];
  /** The messages of what was sent, in order. */
  readonly messages: readonly unknown[];
}

type Answer = (signal: AbortSignal | undefined) => Promise<void>;

/** @param answer what becomes of each write. @param repeated of each that counts a repetition. */
function recording(answer: Answer = works, repeated: Answer = answer): Recording {
  const clock = virtualClock();
  const { log, lines } = memoryLog();
  const written: Written[] = [];
  const patched: Patched[] = [];
  const results: EventResult[] = [];
  const recorder = recordEvents({
    resource: {
      async create(namespace, body, options) {
        written.push({ namespace, event: body as Written['event'] });
        await answer(options?.signal);
        return { metadata: { name: `event-${String(written.length)}` } };
      },
      async mergePatch({ namespace, name }, patch, options) {
        patched.push({ namespace, name, patch });
        await repeated(options?.signal);
        return {};
      },
    },
    clock,
    timing: standardTiming,
    log,
    metrics: { eventTold: (result) => void results.push(result) },
    now: () => clock.wall(),
    instance: 'leaseholder-7d4f-xkq2',
  });
  return {
    recorder,
    clock,
    written,
    patched,
    results,
    lines,
    get messages() {
      return written.map(({ event }) => event['note']);
    },
  };
}

const works = (): Promise<void> => Promise.resolve();
const refuses = (): Promise<void> =>
  Promise.reject(new KubeError('create events', { status: 403, reason: 'Forbidden' }));
/** A patch of an event that is gone. */
const gone = (): Promise<void> =>
  Promise.reject(new KubeError('patch events', { status: 404, reason: 'NotFound' }));
const fails = (): Promise<void> => Promise.reject(new TypeError('a defect'));
/** Never answers; ends when it is given up. */
const hangs = (signal: AbortSignal | undefined): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<void>();
  signal?.addEventListener('abort', () => reject(new KubeError('create events', { reason: 'Aborted' })));
  return promise;
};

const about: EventSubject = { kind: 'DynamicSecretLease', namespace: 'shop', name: 'orders-db', uid: 'u-1' };
const another = (index: number): EventSubject => ({ ...about, uid: `another-${String(index)}` });
const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `Event ${String(index)}.`);

describe('an event', () => {
  test('is one of events.k8s.io, of the object, in its namespace', async () => {
    const { recorder, written, results } = recording();
    recorder.warn(about, 'LeaseLeft', 'A lease is left to run out.');
    await settled();
    expect(written).toEqual([
      {
        namespace: 'shop',
        event: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { namespace: 'shop', generateName: 'orders-db-' },
          regarding: {
            apiVersion: 'leaseholder.dev/v1alpha1',
            kind: 'DynamicSecretLease',
            namespace: 'shop',
            name: 'orders-db',
            uid: 'u-1',
          },
          type: 'Warning',
          reason: 'LeaseLeft',
          action: 'RevokeLease',
          note: 'A lease is left to run out.',
          reportingController: 'leaseholder',
          reportingInstance: 'leaseholder-7d4f-xkq2',
          eventTime: '2026-01-01T00:00:00.000000Z',
        },
      },
    ]);
    expect(results).toEqual(['written']);
  });

  test('of an object without a namespace is kept in default', async () => {
    const { recorder, written } = recording();
    recorder.warn({ ...about, kind: 'ClusterInfisicalConnection', namespace: '' }, 'ConnectionFailed', 'No.');
    await settled();
    const regarding = written[0]?.event['regarding'];
    expect([written[0]?.namespace, regarding]).toMatchObject(['default', { name: 'orders-db' }]);
    expect(regarding).not.toHaveProperty('namespace');
  });

  test.each([
    ['a'.repeat(1024), 'a'.repeat(1024)],
    ['a'.repeat(1025), `${'a'.repeat(1021)}…`],
    ['ä'.repeat(513), `${'ä'.repeat(510)}…`],
  ])('has a note of 1,024 bytes at most', async (message, note) => {
    const recorded = recording();
    recorded.recorder.warn(about, 'LeaseLeft', message);
    await settled();
    expect(recorded.messages).toEqual([note]);
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
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
    expect(written[4]?.event['eventTime']).toBe('2026-01-01T00:00:00.000000Z');
  });
});

describe('a repetition', () => {
  test.each([
    ['at once', 0, 1],
    ['a little before ten minutes are over', 10 * MINUTE - 1, 1],
    ['after ten minutes', 10 * MINUTE, 2],
  ])('%s', async (_when, wait, writes) => {
    const { recorder, clock, written, patched } = recording();
    recorder.warn(about, 'LeaseLeft', 'A lease is left to run out.');
    await clock.run(wait);
    recorder.warn(about, 'LeaseLeft', 'A lease is left to run out.');
    await settled();
    expect(written).toHaveLength(writes);
    expect(patched).toEqual([]);
  });

  test('is counted in the event that is there, when ten minutes are over, with when it came last', async () => {
    const { recorder, clock, written, patched, results } = recording();
    for (const wait of [0, MINUTE, MINUTE]) {
      await clock.run(wait);
      recorder.warn(about, 'LeaseLeft', 'Left.');
    }
    await clock.run(8 * MINUTE - 1);
    expect(patched).toEqual([]);
    await clock.run(1);
    const series = { count: 3, lastObservedTime: '2026-01-01T00:02:00.000000Z' };
    expect(patched).toEqual([{ namespace: 'shop', name: 'event-1', patch: { series } }]);
    expect(written).toHaveLength(1);
    expect(results).toEqual(['written', 'joined', 'joined', 'written']);
    expect(clock.timers).toBe(0);
  });

  test('costs one write in ten minutes, however often it comes', async () => {
    const { recorder, clock, written, patched } = recording();
    for (let second = 0; second < 3600; second += 10) {
      recorder.warn(about, 'LeaseLeft', 'Left.');
      await clock.run(10 * SECOND);
    }
    expect(written).toHaveLength(1);
    expect(patched.map(({ patch }) => patch)).toMatchObject(
      [60, 120, 180, 240, 300, 360].map((count) => ({ series: { count } })),
    );
  });

  test('of an event that is gone by then is an event again, which says how often', async () => {
    const { recorder, clock, written } = recording(works, gone);
    recorder.warn(about, 'LeaseLeft', 'Left.');
    recorder.warn(about, 'LeaseLeft', 'Left.');
    await clock.run(10 * MINUTE);
    const series = { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' };
    expect(written.map(({ event }) => event['series'])).toEqual([undefined, series]);
  });

  test('of an event that could not be written is tried when ten minutes are over', async () => {
    let tries = 0;
    const { recorder, clock, written, patched, results } = recording(() => {
      tries += 1;
      return tries === 1 ? refuses() : works();
    });
    recorder.warn(about, 'LeaseLeft', 'Left.');
    await settled();
    recorder.warn(about, 'LeaseLeft', 'Left.');
    await clock.run(10 * MINUTE);
    expect(written.map(({ event }) => event['series'])).toMatchObject([undefined, { count: 2 }]);
    expect(patched).toEqual([]);
    expect(results).toEqual(['failed', 'joined', 'written']);
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
    let told = 0;
    for (const [index, message] of all.entries()) {
      recorded.recorder.warn(another(index), 'LeaseLeft', message);
      told += 1;
      // So many of all are told at once, and then five in a second.
      if (told >= BURST_OF_ALL) recorded.clock.advance(200);
    }
    expect(recorded.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'An event is dropped; too many wait to be written.'],
    ]);
    await recorded.clock.run(80 * standardTiming.eventDeadline);
    const dropped = all[4] ?? '';
    expect(recorded.messages).toEqual(all.filter((message) => message !== dropped));
    recorded.recorder.warn(another(4), 'LeaseLeft', dropped);
    await settled();
    expect(recorded.messages.at(-1)).toBe(dropped);
  });
});

describe('the budget', () => {
  test('lets an object have ten events at once, and then one in a minute', async () => {
    const { recorder, clock, results, written } = recording();
    for (const message of numbered(12)) recorder.warn(about, 'LeaseLeft', message);
    await settled();
    expect(written).toHaveLength(BURST_OF_OBJECT);
    expect(results.filter((result) => result === 'dropped')).toHaveLength(2);
    await clock.run(MINUTE - 1);
    recorder.warn(about, 'LeaseLeft', 'Too early.');
    await clock.run(1);
    recorder.warn(about, 'LeaseLeft', 'In time.');
    recorder.warn(about, 'LeaseLeft', 'One too many.');
    await settled();
    expect(written.map(({ event }) => event['note']).slice(BURST_OF_OBJECT)).toEqual(['In time.']);
  });

  test('of one object that is spent leaves that of the others alone', async () => {
    const { recorder, written } = recording();
    for (const message of numbered(50)) recorder.warn(about, 'LeaseLeft', message);
    recorder.warn(another(1), 'LeaseLeft', 'Another.');
    await settled();
    expect(written.at(-1)?.event['note']).toBe('Another.');
  });

  test('lets all together have a hundred at once, and then five in a second', async () => {
    const { recorder, clock, written } = recording();
    const tell = (from: number): void => {
      for (let index = from; index < from + 150; index += 1)
        recorder.warn(another(index), 'LeaseLeft', 'Left.');
    };
    tell(0);
    await settled();
    expect(written).toHaveLength(BURST_OF_ALL);
    await clock.run(SECOND);
    tell(1000);
    await settled();
    expect(written).toHaveLength(BURST_OF_ALL + 5);
  });

  test('does not forget a repetition that it has no room for: it is told later', async () => {
    const { recorder, clock, patched } = recording();
    recorder.warn(about, 'LeaseLeft', 'Left.');
    await clock.run(10 * MINUTE - 1);
    recorder.warn(about, 'LeaseLeft', 'Left.');
    for (const message of numbered(20)) recorder.warn(about, 'LeaseLost', message);
    await clock.run(1);
    expect(patched).toEqual([]);
    await clock.run(10 * MINUTE);
    expect(patched).toMatchObject([{ patch: { series: { count: 2 } } }]);
  });
});

describe('the end', () => {
  test('waits until what was told is written, and takes nothing more', async () => {
    const { recorder, clock, written } = recording();
    for (const message of numbered(9)) recorder.warn(about, 'LeaseLeft', message);
    recorder.warn(about, 'LeaseLeft', 'Event 0.');
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
