import { describe, expect, test } from 'vitest';

import type { LeaseStatus } from '../../../src/api/dynamic-secret-lease.ts';
import type { LeaseRef } from '../../../src/api/lease.ts';
import { fault } from '../../../src/errors.ts';
import type { DecisionInput, Failures, ObjectView, Revocation } from '../../../src/lease/input.ts';
import { report, withoutEnded } from '../../../src/lease/report.ts';
import {
  absent,
  aDynamicSecret,
  aKnownLease,
  anInput,
  aNewInput,
  aRecord,
  aRef,
  aStatus,
  ELAPSED,
  failures,
  HOST,
  HOUR,
  instant,
  known,
  MINUTE,
  NOW,
  ourSecret,
  SECOND,
  type InputParts,
} from '../../support/builders.ts';

function reported(input: DecisionInput & { object: ObjectView }): LeaseStatus {
  return report(input, input.object, undefined);
}

function ids(refs: readonly LeaseRef[] | undefined): readonly string[] | undefined {
  return refs?.map(({ id }) => id);
}

const second = aRef({ id: 'lease-2' });
/** The Secret holds lease-2, which replaced lease-1; the status still speaks of lease-1. */
const rotated: InputParts = {
  secret: ourSecret({ resourceVersion: '8', record: aRecord({ lease: second, previous: [aRef()] }) }),
  memory: { known: known(aRef(), second), written: { uid: 'secret-uid', resourceVersion: '8' } },
};
const failed = (attempts: number, reason: Revocation['reason'] = 'RevocationFailed'): Revocation => ({
  attempts,
  nextAt: ELAPSED + MINUTE,
  reason,
});

describe('the lease', () => {
  test('is told as the server tells it, without what is absent', () => {
    expect(
      reported(aNewInput({ secret: ourSecret(), memory: { known: known(aRef()) } })).lease,
    ).toStrictEqual({
      ...aRef(),
      version: 1,
      externalEntityId: 'role of lease-1',
      createdAt: instant(-10 * MINUTE),
      updatedAt: instant(-10 * MINUTE),
    });
  });

  test("carries the server's status, its details and the config that is the user's own", () => {
    const lease = aKnownLease(aRef(), {
      status: 'Failed to delete',
      statusDetails: 'role does not exist',
      config: { size: 3 },
      tag: { install: 'cluster', object: 'object-uid', attempt: 'attempt' },
    });
    const status = reported(anInput({ memory: { known: new Map([['lease-1', lease]]) } }));
    expect(status.lease).toMatchObject({
      status: 'Failed to delete',
      statusDetails: 'role does not exist',
      config: { size: 3 },
    });
    expect(JSON.stringify(status)).not.toContain('cluster');
  });

  test('carries no config where nothing but our tag was in it', () => {
    const lease = aKnownLease(aRef(), { config: {} });
    const status = reported(anInput({ memory: { known: new Map([['lease-1', lease]]) } }));
    expect(status.lease).not.toHaveProperty('config');
  });

  test('keeps what the status tells of it after a restart', () => {
    expect(reported(anInput()).lease).toEqual(aStatus().lease);
  });

  test('is a bare Ref where nothing else is known of it, and says that only the record speaks for it', () => {
    const attestations = new Map([['lease-2', { verdict: 'unattested' as const }]]);
    expect(reported(anInput({ secret: rotated.secret ?? absent, memory: { attestations } })).lease).toEqual({
      ...second,
      attested: false,
    });
  });

  test('stays the last known one while the Secret is gone: it is to be replaced and revoked', () => {
    const status = reported(anInput({ secret: absent }));
    expect(status.lease).toEqual(aStatus().lease);
    expect(status.rotateAt).toBe(instant(30 * MINUTE));
  });

  test('is never that of a record without a witness', () => {
    const secret = ourSecret({ record: aRecord({ lease: aRef({ id: 'forged' }) }) });
    expect(reported(anInput({ secret })).lease?.id).toBe('lease-1');
    expect(reported(aNewInput({ secret }))).not.toHaveProperty('lease');
  });
});

describe('the dynamic secret', () => {
  test('is told as the server tells it, without what is absent', () => {
    expect(reported(anInput({ memory: { known: known(aRef()) } })).dynamicSecret).toStrictEqual({
      id: 'dynamic-secret-id',
      name: 'orders-postgres',
      type: 'sql-database',
      version: 1,
      defaultTTL: '1h',
    });
  });

  test('carries its maximum and its status where it has them', () => {
    const dynamicSecret = aDynamicSecret({ maxTTL: '1d', status: 'Deleting', statusDetails: 'soon' });
    const entry = { ...aKnownLease(aRef()), dynamicSecret };
    expect(
      reported(anInput({ memory: { known: new Map([['lease-1', entry]]) } })).dynamicSecret,
    ).toMatchObject({
      maxTTL: '1d',
      status: 'Deleting',
      statusDetails: 'soon',
    });
  });

  test('stays as it was told last', () => {
    const dynamicSecret = { id: 'x', name: 'orders-postgres', type: 'redis' };
    expect(reported(anInput({ object: { status: aStatus({ dynamicSecret }) } })).dynamicSecret).toEqual(
      dynamicSecret,
    );
  });
});

describe('the Secret', () => {
  test('is that of the last write of this process', () => {
    expect(reported(anInput(rotated)).secret).toEqual({
      name: 'orders-db',
      uid: 'secret-uid',
      resourceVersion: '8',
    });
  });

  test('stays as it was reported, whatever others changed since', () => {
    expect(reported(anInput({ secret: ourSecret({ resourceVersion: '99' }) })).secret?.resourceVersion).toBe(
      '7',
    );
  });

  test('is the one that is there, where the status speaks of another', () => {
    const secret = ourSecret({ uid: 'new-uid', resourceVersion: '3' });
    expect(reported(anInput({ secret })).secret).toEqual({
      name: 'orders-db',
      uid: 'new-uid',
      resourceVersion: '3',
    });
  });

  test('is not the one that this process wrote before, when that is another', () => {
    const secret = ourSecret({ uid: 'new-uid', resourceVersion: '3' });
    const written = { uid: 'secret-uid', resourceVersion: '8' };
    expect(reported(anInput({ secret, memory: { written } })).secret?.uid).toBe('new-uid');
  });
});

describe('rotations', () => {
  const cases: Record<string, { input: DecisionInput & { object: ObjectView }; rotations: number }> = {
    'are none of the first lease': {
      input: aNewInput({ secret: ourSecret(), memory: { known: known(aRef()) } }),
      rotations: 0,
    },
    'are one more when a lease made way for another': { input: anInput(rotated), rotations: 1 },
    'count on from the status': {
      input: anInput({ ...rotated, object: { status: aStatus({ rotations: 41 }) } }),
      rotations: 42,
    },
    'stay while the lease does': {
      input: anInput({ object: { status: aStatus({ rotations: 41 }) } }),
      rotations: 41,
    },
    'stay while the Secret is gone': {
      input: anInput({ secret: absent, object: { status: aStatus({ rotations: 41 }) } }),
      rotations: 41,
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { input, rotations }) => {
    expect(reported(input).rotations).toBe(rotations);
  });
});

describe('the next rotation', () => {
  test('is computed for a new lease, to the second', () => {
    expect(reported(anInput(rotated)).rotateAt).toMatch(/^2026-01-01T12:[0-9]{2}:[0-9]{2}Z$/);
  });

  test('stays as it was written', () => {
    expect(reported(anInput()).rotateAt).toBe(instant(30 * MINUTE));
  });
});

describe('a lease that its successor will hardly overlap', () => {
  const rows = [
    ['says so while it is Ready', 119, 'less than 2 minutes'],
    ['has two minutes to say nothing of it', 120, 'The Secret holds a live lease.'],
  ] as const;

  test.each(rows)('%s', (_sentence, seconds, words) => {
    const status = aStatus({ rotateAt: instant(50 * MINUTE - seconds * SECOND) });
    const ready = reported(anInput({ object: { status } })).conditions?.find(({ type }) => type === 'Ready');
    expect(ready?.status).toBe('True');
    expect(ready?.message.endsWith(words) || ready?.message.includes(`It is replaced ${words}`)).toBe(true);
  });
});

describe('retiring', () => {
  test('takes the replaced lease when the status follows the record', () => {
    expect(reported(anInput(rotated)).retiring).toEqual([aRef()]);
  });

  test('takes what this process knows of the leases that the record says were replaced, each once', () => {
    const record = aRecord({ lease: second, previous: [aRef({ id: 'older' }), aRef()] });
    const memory = { known: known(second, aRef({ id: 'older' })) };
    const input = anInput({ ...rotated, secret: ourSecret({ record }), memory });
    expect(ids(reported(input).retiring)?.toSorted()).toEqual(['lease-1', 'older']);
  });

  test('takes no lease that the status names on the word of a record alone, after a restart too', () => {
    const status = aStatus({ lease: { ...aRef(), attested: false } });
    const input = anInput({ ...rotated, object: { status }, memory: { known: known(second) } });
    expect(reported(input)).not.toHaveProperty('retiring');
  });

  test("takes no lease that only the record names: it may be anybody's", () => {
    const record = aRecord({ lease: second, previous: [aRef({ id: 'stolen' }), aRef()] });
    const input = anInput({ ...rotated, secret: ourSecret({ record }), memory: { known: known(second) } });
    expect(ids(reported(input).retiring)).toEqual(['lease-1']);
  });

  test('takes the words of the status about a lease, not those of the record', () => {
    const record = aRecord({ lease: second, previous: [aRef({ path: '/elsewhere' })] });
    expect(reported(anInput({ ...rotated, secret: ourSecret({ record }) })).retiring).toEqual([aRef()]);
  });

  test('takes nothing from a record that only speaks for itself', () => {
    const record = aRecord({ lease: second, previous: [aRef({ id: 'stolen' })] });
    const attestations = new Map([['lease-2', { verdict: 'unattested' as const }]]);
    const input = anInput({ secret: ourSecret({ record }), memory: { attestations } });
    expect(reported(input).retiring).toEqual([aRef()]);
  });

  test('takes nothing from the record when the status is in step', () => {
    const secret = ourSecret({ record: aRecord({ previous: [aRef({ id: 'older' })] }) });
    expect(reported(anInput({ secret }))).not.toHaveProperty('retiring');
  });

  test('keeps what it lists, until it is revoked or gone', () => {
    const status = aStatus({ retiring: [aRef({ id: 'a' }), aRef({ id: 'b' })] });
    expect(ids(reported(anInput({ object: { status } })).retiring)).toEqual(['a', 'b']);
    const input = anInput({ object: { status }, memory: { settled: new Set(['a']) } });
    expect(ids(reported(input).retiring)).toEqual(['b']);
  });

  test('never lists the lease that the Secret holds', () => {
    const status = aStatus({ retiring: [aRef()] });
    expect(reported(anInput({ object: { status } }))).not.toHaveProperty('retiring');
  });

  test('lists a discarded lease only when its revocation failed, and then at once revocable', () => {
    const discarded = [aRef({ id: 'discarded' })];
    expect(reported(anInput({ memory: { discarded } }))).not.toHaveProperty('retiring');
    const input = anInput({ memory: { discarded, revocations: new Map([['discarded', failed(1)]]) } });
    expect(reported(input).retiring).toEqual([
      {
        ...aRef({ id: 'discarded' }),
        revokeAfter: instant(0),
        attempts: 1,
        reason: 'RevocationFailed',
      },
    ]);
  });

  test('does not list a discarded lease again that has ended', () => {
    const discarded = [aRef({ id: 'discarded', expireAt: instant(-MINUTE) })];
    const input = anInput({ memory: { discarded, revocations: new Map([['discarded', failed(1)]]) } });
    expect(reported(input)).not.toHaveProperty('retiring');
  });

  test('tells of attempts when the reason changes, not with each of them', () => {
    const entry = { ...aRef({ id: 'a' }), revokeAfter: instant(0), attempts: 1, reason: 'RevocationFailed' };
    const parts = { object: { status: aStatus({ retiring: [entry] }) } };
    const same = anInput({ ...parts, memory: { revocations: new Map([['a', failed(7)]]) } });
    expect(reported(same).retiring).toEqual([entry]);
    const other = anInput({ ...parts, memory: { revocations: new Map([['a', failed(8, 'NoAnswer')]]) } });
    expect(reported(other).retiring).toEqual([{ ...entry, attempts: 8, reason: 'NoAnswer' }]);
  });

  test('keeps at most sixteen, and lets go those that end first', () => {
    const sixteen = Array.from({ length: 16 }, (_, index) =>
      aRef({ id: `old-${String(index)}`, expireAt: instant((51 + index) * MINUTE) }),
    );
    const input = anInput({ ...rotated, object: { status: aStatus({ retiring: sixteen }) } });
    const kept = ids(reported(input).retiring);
    expect(kept).toHaveLength(16);
    expect(kept).not.toContain('lease-1');
  });

  test('keeps an ended one until another write takes it along', () => {
    const ended = aRef({ id: 'ended', expireAt: instant(-MINUTE) });
    const living = aRef({ id: 'living' });
    const input = anInput({ object: { status: aStatus({ retiring: [ended, living] }) } });
    const status = reported(input);
    expect(ids(status.retiring)).toEqual(['ended', 'living']);
    expect(withoutEnded(status, input)).toEqual({ ...status, retiring: [living] });
  });

  test('leaves no empty list behind', () => {
    const ended = aRef({ id: 'ended', expireAt: instant(-MINUTE) });
    const input = anInput({ object: { status: aStatus({ retiring: [ended] }) } });
    expect(withoutEnded(reported(input), input)).not.toHaveProperty('retiring');
  });

  test('keeps one within the slack of the clocks', () => {
    const ending = aRef({ id: 'ending', expireAt: instant(0) });
    const input = anInput({ object: { status: aStatus({ retiring: [ending] }) } });
    expect(ids(withoutEnded(reported(input), input).retiring)).toEqual(['ending']);
  });
});

describe('attempts', () => {
  const limited = fault('RateLimited', { host: HOST });
  const written = { count: 3, reason: 'ServerFailed', nextAt: instant(-MINUTE) };
  const cases: Record<
    string,
    { written?: LeaseStatus['attempts']; failures?: Partial<Failures>; expected: LeaseStatus['attempts'] }
  > = {
    'are none without a fault': { expected: undefined },
    'are taken out when the fault is over': { written, expected: undefined },
    'are written for a new fault, however short its wait': {
      failures: { count: 1, nextAt: ELAPSED + SECOND },
      expected: { count: 1, reason: 'ServerFailed', nextAt: instant(SECOND) },
    },
    'are not written again for a short wait of the same fault': {
      written,
      failures: { count: 4, nextAt: ELAPSED + MINUTE - 1 },
      expected: written,
    },
    'are written for a wait of a minute': {
      written,
      failures: { count: 4, nextAt: ELAPSED + MINUTE },
      expected: { count: 4, reason: 'ServerFailed', nextAt: instant(MINUTE) },
    },
    'are not written again while that wait goes on': {
      written,
      failures: { count: 3, nextAt: ELAPSED + 2 * MINUTE },
      expected: written,
    },
    'are written for another fault': {
      written,
      failures: { fault: limited, count: 1 },
      expected: { count: 1, reason: 'RateLimited', nextAt: instant(5 * SECOND) },
    },
    'are due at once where the wait is over': {
      written,
      failures: { fault: limited, count: 1, nextAt: ELAPSED - HOUR },
      expected: { count: 1, reason: 'RateLimited', nextAt: instant(0) },
    },
    'of an earlier generation are taken out': {
      written,
      failures: { generation: 0 },
      expected: undefined,
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, row) => {
    const input = anInput({
      object: { status: aStatus(row.written === undefined ? {} : { attempts: row.written }) },
      memory: { failures: row.failures === undefined ? undefined : failures(row.failures) },
    });
    expect(reported(input).attempts).toEqual(row.expected);
  });
});

describe('after a restart within a backoff', () => {
  const attempts = { count: 4, reason: 'ServerFailed', nextAt: instant(3 * MINUTE) };
  const status = aStatus({
    attempts,
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'ServerFailed',
        message: 'as it was',
        lastTransitionTime: instant(-HOUR),
      },
    ],
  });

  test('the status stands as it is', () => {
    expect(reported(aNewInput({ object: { status } }))).toBe(status);
  });

  test.each<[string, InputParts]>([
    ['the wait is over', { object: { status }, now: { kube: NOW + 3 * MINUTE } }],
    ['there is a new generation', { object: { status, generation: 2 } }],
    [
      'this process met a fault of its own',
      { object: { status }, memory: { tried: true, failures: failures({ count: 1 }) } },
    ],
  ])('it is rebuilt when %s', (_sentence, parts) => {
    expect(reported(aNewInput(parts)).conditions).toHaveLength(3);
  });
});
