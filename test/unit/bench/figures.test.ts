import { describe, expect, test } from 'vitest';

import { deadSeconds } from '../../../bench/figures/dead.ts';
import { courseOf, firstReady, goneAt, reportOf } from '../../../bench/figures/progress.ts';
import { requestsOf } from '../../../bench/figures/requests.ts';
import { cpuSecondsIn, mebibytesIn } from '../../../bench/figures/usage.ts';
import { parseOptions, USAGE } from '../../../bench/options.ts';
import type { AuditEvent } from '../../../sandbox/control-plane/audit.ts';
import type { LedgerEntry } from '../../../sandbox/lease-api/ledger.ts';

const USER = 'operator';
const at = (second: number): string => new Date(1_000_000 + second * 1000).toISOString();
const ms = (second: number): number => 1_000_000 + second * 1000;

function event(verb: string, resource: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: 'id',
    user: USER,
    verb,
    resource,
    group: '',
    namespace: 'shop',
    name: 'orders',
    responseCode: 200,
    requestURI: '/some/path?with=query',
    userAgent: '',
    stage: 'ResponseComplete',
    timestamp: at(0),
    requestObject: undefined,
    ...more,
  };
}

function report(name: string, second: number, ready: boolean, leaseId = 'lease'): AuditEvent {
  const status = {
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    lease: { id: leaseId },
  };
  return event('patch', 'dynamicsecretleases/status', {
    name,
    timestamp: at(second),
    requestObject: { metadata: {}, status },
  });
}

describe('what the operator asked for', () => {
  test('is counted by kind; others, logins and watches are no reads or writes of leases', () => {
    const requests = requestsOf(
      [
        event('patch', 'dynamicsecretleases'),
        event('create', 'secrets', { responseCode: 409 }),
        event('get', 'secrets'),
        event('get', 'secrets', { name: 'infisical-login' }),
        event('watch', 'secrets', { name: undefined }),
        event('patch', 'leases', { group: 'coordination.k8s.io' }),
        event('create', 'events'),
        event('get', '', { name: undefined }),
        event('patch', 'dynamicsecretleases', { user: 'somebody' }),
      ],
      USER,
    );
    expect(requests).toEqual({
      writes: 2,
      otherWrites: 1,
      reads: 1,
      conflicts: 1,
      byKind: {
        'patch dynamicsecretleases': 1,
        'create secrets': 1,
        'get secrets': 2,
        'watch secrets': 1,
        'patch leases': 1,
        'create events': 1,
        'get /some/path': 1,
      },
    });
  });
});

describe('how far the operator has come', () => {
  const events = [
    report('a', 1, false),
    report('a', 2, true),
    report('b', 3, true),
    report('a', 9, true),
    { ...report('c', 4, true), responseCode: 409 },
    { ...report('c', 5, true), resource: 'dynamicsecretleases' },
  ];

  test('is told by the first successful report that an object is Ready', () => {
    expect(firstReady(events.flatMap((one) => reportOf(one) ?? []))).toEqual([ms(2), ms(3)]);
  });

  test('is told in shares of the objects', () => {
    const instants = Array.from({ length: 100 }, (_, index) => ms(index + 1));
    expect(courseOf(instants, ms(0))).toMatchObject({
      secondsTo50: 50,
      secondsTo90: 90,
      secondsTo99: 99,
      secondsToAll: 100,
    });
    expect(courseOf([ms(7)], ms(5))).toMatchObject({
      secondsTo50: 2,
      secondsTo90: 2,
      secondsTo99: 2,
      secondsToAll: 2,
    });
    expect(() => courseOf([], ms(0))).toThrow('nothing to measure');
  });

  test('ends for an object with the last write of it', () => {
    const writes = [
      event('patch', 'dynamicsecretleases', { name: 'a', timestamp: at(1) }),
      event('patch', 'dynamicsecretleases', { name: 'b', timestamp: at(2) }),
      event('patch', 'dynamicsecretleases', { name: 'a', timestamp: at(5) }),
      event('patch', 'dynamicsecretleases', { name: 'a', timestamp: at(6), responseCode: 409 }),
    ];
    expect(goneAt(writes, USER)).toEqual([ms(2), ms(5)]);
  });
});

function entry(name: LedgerEntry['event'], leaseId: string, second: number, end?: number): LedgerEntry {
  return {
    at: ms(second),
    event: name,
    leaseId,
    dynamicSecret: null,
    dynamicSecretId: null,
    by: null,
    method: null,
    proof: null,
    tag: null,
    externalEntityId: null,
    expireAt: end === undefined ? null : ms(end),
  };
}

describe('dead credentials', () => {
  const ledger = [
    entry('made', 'one', 0, 10),
    entry('made', 'two', 8, 20),
    entry('renewed', 'two', 15, 30),
    entry('made', 'three', 12, 40),
    entry('revoked', 'three', 14),
  ];

  test.each([
    [
      'are none while each lease is replaced before its end',
      [
        ['a', 'one', 1],
        ['a', 'two', 9],
      ],
      25,
      0,
    ],
    [
      'count from the end of the lease until the next is written',
      [
        ['a', 'one', 1],
        ['a', 'two', 13],
      ],
      25,
      3,
    ],
    ['count to the present where none follows', [['a', 'two', 9]], 32, 2],
    ['count from a revocation that came before the end', [['a', 'three', 13]], 20, 6],
    [
      'are those of all objects',
      [
        ['a', 'one', 1],
        ['b', 'one', 2],
      ],
      11,
      2,
    ],
    ['are none of a lease that the server does not know', [['a', 'other', 1]], 99, 0],
  ] as const)('%s', (_, deliveries, now, seconds) => {
    const made = deliveries.map(([object, leaseId, second]) => ({ object, leaseId, at: ms(second) }));
    expect(deadSeconds(made, ledger, ms(now))).toBe(seconds);
  });
});

describe('what the kernel tells of a process', () => {
  test('is read behind a name that holds anything', () => {
    const rest = 'S 1 2 3 4 5 6 7 8 9 10 250 50 0 0';
    expect(cpuSecondsIn(`42 (a ) b) ${rest}`)).toBe(3);
    expect(mebibytesIn('Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n', 'VmHWM')).toBe(2);
    expect(mebibytesIn('Name:\tx\n', 'VmRSS')).toBeNaN();
  });
});

describe('the command line', () => {
  test('has defaults', () => {
    expect(parseOptions([])).toEqual({
      case: 'cold',
      leases: 1000,
      namespaces: 1,
      runs: 1,
      json: false,
      save: undefined,
      ttl: '3m',
      window: undefined,
      outage: false,
      writeLimit: 90,
    });
    expect(
      parseOptions(['--case', 'storm', '--outage', '--write-limit', '5', '--window', '7']),
    ).toMatchObject({
      case: 'storm',
      outage: true,
      writeLimit: 5,
      window: 7,
    });
  });

  test('tells of each option when asked for help', () => {
    expect(parseOptions(['--help', '--case', 'warm'])).toBeUndefined();
    for (const option of [
      'case',
      'leases',
      'namespaces',
      'runs',
      'json',
      'save',
      'ttl',
      'window',
      'outage',
      'write-limit',
    ])
      expect(USAGE).toContain(`--${option} `);
  });

  test.each([
    ['another case', ['--case', 'warm'], 'cold, delete'],
    ['no number', ['--leases', 'many'], '"many"'],
    ['none at all', ['--runs', '0'], '"0"'],
    ['more namespaces than leases', ['--leases', '2', '--namespaces', '3'], 'fewer leases'],
    ['a life that is too short', ['--ttl', '59s'], '"59s"'],
    ['a life that is none', ['--ttl', 'long'], '"long"'],
    ['an unknown option', ['--fast'], '--fast'],
  ])('refuses %s', (_, args, words) => {
    expect(() => parseOptions(args)).toThrow(words);
  });
});
