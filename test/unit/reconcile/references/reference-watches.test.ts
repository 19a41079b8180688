import { describe, expect, test } from 'vitest';

import { fedStore } from '../../../../src/kube/store.ts';
import {
  referrers,
  watchReferences,
  type OpenStream,
  type ReferenceWatches,
} from '../../../../src/reconcile/references/reference-watches.ts';
import { referenceKey, referencesOf, sourcesOf } from '../../../../src/reconcile/references/references.ts';
import type { ConnectionRecord, DynamicSecretRecord } from '../../../../src/reconcile/ports.ts';
import { dynamicSecretRecord } from '../../../../src/reconcile/records.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { aConnection, MINUTE, SECOND } from '../../../support/builders.ts';
import { virtualClock, type VirtualClock } from '../../../support/virtual-clock.ts';
import { memoryLog, type Line } from '../../kube/support/telemetry.ts';

/** A watch of one object, in the hands of a test. */
interface Stream {
  readonly change: () => void;
  /** It has seen how the object is. */
  readonly sight: () => void;
  readonly forbid: () => void;
  broken: boolean;
}

interface Started {
  readonly clock: VirtualClock;
  readonly watches: ReferenceWatches;
  /** The open watches, by what they are of. */
  readonly streams: ReadonlyMap<string, Stream>;
  /** How often a watch was opened, whatever became of it. */
  readonly opened: () => number;
  /** The connections that were to be rechecked since the last time that this was asked, in order. */
  readonly rechecked: () => readonly string[];
  readonly lines: readonly Line[];
  /** A connection comes, or names something else. */
  readonly name: (connection: string, ...secrets: readonly string[]) => void;
  readonly remove: (connection: string) => void;
  /** A DynamicSecret takes inputs from these Secrets. */
  readonly declare: (name: string, ...secrets: readonly string[]) => void;
}

let version = 0;

function connectionTo(name: string, secrets: readonly string[]): ConnectionRecord {
  version += 1;
  const record = aConnection(name);
  const value = { many: secrets.map((secret) => ({ secretKeyRef: { name: secret, key: 'key' } })) };
  return {
    ...record,
    resourceVersion: String(version),
    generation: version,
    spec: { valid: true, value: value as never },
  };
}

function declaration(name: string, secrets: readonly string[]): DynamicSecretRecord {
  version += 1;
  const metadata = { name, namespace: 'shop', uid: `uid of ${name}`, resourceVersion: String(version) };
  const spec = {
    connectionRef: { name: 'infisical' },
    name: 'orders',
    projectSlug: 'shop',
    environmentSlug: 'prod',
    defaultTTL: '1h',
    provider: { type: 'redis', inputs: { host: 'db', secretKeyRef: { name: 'no-reference' } } },
    inputsFrom: secrets.map((secret, index) => ({
      input: `input${String(index)}`,
      secretKeyRef: { name: secret, key: 'key' },
    })),
  };
  return dynamicSecretRecord({ metadata, spec });
}

function start(before: readonly ConnectionRecord[] = []): Started {
  const clock = virtualClock({ random: [0, 0.5, 0.99] });
  const store = fedStore<ConnectionRecord>({ indexes: {} });
  const declared = fedStore<DynamicSecretRecord>({ indexes: {} });
  for (const record of before) store.apply(record);
  const streams = new Map<string, Stream>();
  let opened = 0;
  let rechecked: string[] = [];
  const { log, lines } = memoryLog();
  const open: OpenStream = (reference, { onChange, onForbidden }) => {
    const key = referenceKey(reference);
    if (streams.has(key)) throw new RangeError(`${key} is watched twice.`);
    let sightedAt: number | undefined;
    opened += 1;
    const stream = {
      change: onChange,
      sight: () => void (sightedAt = clock.elapsed()),
      forbid() {
        streams.delete(key);
        onForbidden();
      },
      broken: false,
    };
    streams.set(key, stream);
    return {
      get sightedAt() {
        return sightedAt;
      },
      get isBroken() {
        return stream.broken;
      },
      close() {
        streams.delete(key);
        return Promise.resolve();
      },
    };
  };
  const watches = watchReferences({
    referrers: [
      referrers({
        kind: 'connection',
        store,
        referencesOf: (connection) => referencesOf(connection, 'leaseholder-system'),
        recheck: (connection) => void rechecked.push(connection),
      }),
      referrers({
        kind: 'dynamic secret',
        store: declared,
        referencesOf: sourcesOf,
        recheck: (dynamicSecret) => void rechecked.push(`dynamic secret ${dynamicSecret}`),
      }),
    ],
    open,
    clock,
    timing: standardTiming,
    log,
  });
  return {
    clock,
    watches,
    streams,
    lines,
    opened: () => opened,
    rechecked() {
      const told = rechecked;
      rechecked = [];
      return told;
    },
    declare: (name, ...secrets) => declared.apply(declaration(name, secrets)),
    name: (connection, ...secrets) => store.apply(connectionTo(connection, secrets)),
    remove(connection) {
      version += 1;
      store.remove(`shop/${connection}`, `uid of ${connection}`, String(version));
    },
  };
}

function streamOf({ streams }: Started, secret: string): Stream {
  const stream = streams.get(`Secret shop/${secret}`);
  if (stream === undefined) throw new RangeError(`${secret} is not watched.`);
  return stream;
}

/** Connections whose Secret has been watched for so long that nothing before can have been missed. */
function startSettled(...connections: readonly string[]): Started {
  const started = start();
  started.name('settled', 'login');
  streamOf(started, 'login').sight();
  started.clock.advance(MINUTE);
  for (const connection of connections) started.name(connection, 'login');
  started.clock.advance(MINUTE);
  started.rechecked();
  return started;
}

describe('the watches of what connections refer to', () => {
  test('are one for each object, from the first connection that names it to the last', () => {
    const started = start([connectionTo('one', ['login', 'ca'])]);
    const { streams, name, remove, opened } = started;
    expect([...streams.keys()]).toEqual(['Secret shop/login', 'Secret shop/ca']);
    name('two', 'login');
    name('one', 'login');
    expect([...streams.keys()]).toEqual(['Secret shop/login']);
    remove('one');
    expect([...streams.keys()]).toEqual(['Secret shop/login']);
    expect(opened()).toBe(2);
    remove('two');
    expect([...streams.keys()]).toEqual([]);
    expect(started.clock.timers).toBe(0);
  });

  test('tell of a change each connection that names the object, and no other', () => {
    const started = startSettled('one', 'two');
    started.name('other', 'password');
    streamOf(started, 'login').change();
    started.clock.advance(0);
    expect([...started.rechecked()].sort()).toEqual(['shop/one', 'shop/settled', 'shop/two']);
  });

  test('tell of a change everybody who names the object, a connection and a DynamicSecret of one name apart', () => {
    const started = startSettled();
    started.declare('settled', 'login', 'password');
    expect([...started.streams.keys()]).toEqual(['Secret shop/login', 'Secret shop/password']);
    streamOf(started, 'password').sight();
    started.clock.advance(MINUTE);
    started.rechecked();
    streamOf(started, 'login').change();
    started.clock.advance(0);
    expect([...started.rechecked()].sort()).toEqual(['dynamic secret shop/settled', 'shop/settled']);
    streamOf(started, 'password').change();
    started.clock.advance(SECOND);
    expect(started.rechecked()).toEqual(['dynamic secret shop/settled']);
    started.remove('settled');
    expect([...started.streams.keys()]).toEqual(['Secret shop/login', 'Secret shop/password']);
  });

  test('tell of changes that come together once, and never faster than the pace', () => {
    const started = startSettled();
    const stream = streamOf(started, 'login');
    stream.change();
    stream.change();
    started.clock.advance(0);
    expect(started.rechecked()).toEqual(['shop/settled']);
    for (let times = 0; times < 100; times += 1) {
      stream.change();
      started.clock.advance(100);
    }
    const told = started.rechecked().length;
    expect(told).toBeGreaterThanOrEqual(9);
    expect(told).toBeLessThanOrEqual(10);
    started.clock.advance(SECOND);
    started.rechecked();
    started.clock.advance(10 * MINUTE);
    expect(started.rechecked()).toEqual([]);
  });

  test('cost nothing while nothing changes', () => {
    const started = startSettled('one');
    started.clock.advance(60 * MINUTE);
    expect(started.rechecked()).toEqual([]);
    expect(started.opened()).toBe(1);
  });

  test('are followed by one look, because of what was read before they saw', () => {
    const started = start();
    started.name('one', 'login');
    started.clock.advance(5 * SECOND);
    streamOf(started, 'login').sight();
    expect(started.rechecked()).toEqual([]);
    started.clock.advance(standardTiming.referenceInterval);
    expect(started.rechecked()).toEqual(['shop/one']);
    // What this one reads it reads while the watch sees.
    started.name('two', 'login');
    started.clock.advance(60 * MINUTE);
    expect(started.rechecked()).toEqual([]);
  });

  test('leave a connection alone whose status changes', () => {
    const started = startSettled('one');
    started.name('one', 'login');
    started.clock.advance(60 * MINUTE);
    expect(started.rechecked()).toEqual([]);
    expect(started.opened()).toBe(1);
    // And do not put a look off.
    streamOf(started, 'login').broken = true;
    for (let times = 0; times < 10; times += 1) {
      started.name('one', 'login');
      started.clock.advance(10 * SECOND);
    }
    expect(started.rechecked()).toContain('shop/one');
  });

  test('end with the whole, and nothing is told any more', async () => {
    const started = startSettled('one');
    const stream = streamOf(started, 'login');
    stream.broken = true;
    await started.watches.close();
    expect(started.streams.size).toBe(0);
    started.name('late', 'other');
    started.clock.advance(60 * MINUTE);
    expect(started.rechecked()).toEqual([]);
    expect(started.streams.size).toBe(0);
    expect(started.clock.timers).toBe(0);
  });
});

/** The longest time between two looks at a connection, in milliseconds. */
function longestGap(started: Started, length: number): number {
  let last = 0;
  let longest = 0;
  for (let at = 0; at <= length; at += SECOND) {
    if (started.rechecked().length > 0 || at === length) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    started.clock.advance(SECOND);
  }
  return longest;
}

const minute = { least: 30 * SECOND, most: standardTiming.referenceInterval + SECOND };

describe('looking', () => {
  test('takes the place of a watch that the rights do not allow, and says so once', () => {
    const started = start();
    started.name('one', 'login', 'more');
    streamOf(started, 'more').sight();
    streamOf(started, 'login').forbid();
    const gap = longestGap(started, 9 * MINUTE);
    expect(gap).toBeGreaterThan(minute.least);
    expect(gap).toBeLessThanOrEqual(minute.most);
    expect(started.lines).toEqual([
      {
        level: 'info',
        message:
          'The rights do not allow to watch what an object refers to; it is looked at instead, within a minute of a change. A rule with resourceNames is enough.',
        fields: { kind: 'Secret', namespace: 'shop', name: 'login', right: 'list and watch secrets' },
      },
    ]);
  });

  test('goes on until the watch, tried again every ten minutes, is allowed', () => {
    const started = start();
    started.name('one', 'login');
    for (let tries = 1; tries <= 3; tries += 1) {
      expect(started.opened()).toBe(tries);
      streamOf(started, 'login').forbid();
      started.clock.advance(7 * MINUTE);
      expect(started.opened()).toBe(tries);
      started.clock.advance(3 * MINUTE);
    }
    streamOf(started, 'login').sight();
    started.clock.advance(MINUTE);
    started.rechecked();
    started.clock.advance(60 * MINUTE);
    expect(started.rechecked()).toEqual([]);
    expect(started.opened()).toBe(4);
    expect(started.lines).toHaveLength(1);
    // A right that was taken away again is news.
    streamOf(started, 'login').forbid();
    expect(started.lines).toHaveLength(2);
  });

  test('takes the place of a watch that is broken, until it works', () => {
    const started = startSettled();
    streamOf(started, 'login').broken = true;
    expect(longestGap(started, 10 * MINUTE)).toBeLessThanOrEqual(minute.most);
    streamOf(started, 'login').broken = false;
    started.clock.advance(60 * MINUTE);
    expect(started.rechecked()).toEqual([]);
  });

  test('takes the place of a watch that has not begun to see', () => {
    const started = start();
    started.name('one', 'login');
    expect(longestGap(started, 10 * MINUTE)).toBeLessThanOrEqual(minute.most);
  });

  test('is for what is named beyond fifty watches, until one of them ends', () => {
    const started = start();
    for (let count = 0; count < 52; count += 1) started.name(`c${String(count)}`, `s${String(count)}`);
    for (const { sight } of started.streams.values()) sight();
    started.clock.advance(2 * MINUTE);
    started.rechecked();
    expect(started.streams.size).toBe(50);
    started.clock.advance(standardTiming.referenceInterval);
    expect(new Set(started.rechecked())).toEqual(new Set(['shop/c50', 'shop/c51']));
    started.remove('c7');
    streamOf(started, 's8').forbid();
    expect(started.streams.size).toBe(50);
    expect(started.streams.has('Secret shop/s50')).toBe(true);
    expect(started.streams.has('Secret shop/s51')).toBe(true);
  });

  test('ends with the connection, as does the wait for another try', () => {
    const started = start();
    started.name('one', 'login');
    streamOf(started, 'login').forbid();
    started.remove('one');
    expect(started.clock.timers).toBe(0);
    // Another is watched at once, and once: that try was that of the one before.
    started.name('two', 'login');
    streamOf(started, 'login').sight();
    started.clock.advance(60 * MINUTE);
    expect(new Set(started.rechecked())).toEqual(new Set(['shop/two']));
    expect(started.opened()).toBe(2);
  });
});
