import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Lease } from '../../../src/api/lease.ts';
import { sweepVerdict, type SweepContext, type SweepVerdict } from '../../../src/lease/sweep.ts';
import { standardTiming as timing } from '../../../src/timing.ts';
import { aLease, aRef, HOUR, instant, MINUTE, NOW, SECOND } from '../../support/builders.ts';

const tag = { install: 'ours', object: 'object-uid', attempt: 'attempt-1' };
const nothing = { ids: new Set<string>(), attempts: new Set<string>() };

/** A lease of ours, ten minutes old. */
function ourLease(overrides: Partial<Lease> = {}): Lease {
  return aLease(aRef({ id: 'lease-1' }), { tag, ...overrides });
}

function context(overrides: Partial<SweepContext> = {}): SweepContext {
  return { install: 'ours', object: nothing, serverTime: NOW, timing, ...overrides };
}

describe('a listed lease', () => {
  const cases: Record<
    string,
    readonly [lease: Partial<Lease>, sees: Partial<SweepContext>, is: SweepVerdict]
  > = {
    'of ours that nobody names is a suspect': [{}, {}, { is: 'suspect' }],
    'without a tag is nothing to us': [{ tag: undefined }, {}, { is: 'foreign' }],
    'of another installation is nothing to us': [
      { tag: { ...tag, install: 'theirs' } },
      {},
      { is: 'foreign' },
    ],
    'of another installation is nothing to us, though its object has the uid of one of ours': [
      { tag: { ...tag, install: '' } },
      { object: undefined },
      { is: 'foreign' },
    ],
    'that its object names is accounted for': [
      {},
      { object: { ...nothing, ids: new Set(['lease-1']) } },
      { is: 'accounted' },
    ],
    'whose attempt is in flight is accounted for': [
      {},
      { object: { ...nothing, attempts: new Set(['attempt-1']) } },
      { is: 'accounted' },
    ],
    "of an object of another namespace is that namespace's matter": [
      {},
      { object: 'elsewhere' },
      { is: 'accounted' },
    ],
    'that is too young may still be on its way': [
      { createdAt: instant(-MINUTE) },
      {},
      { is: 'young', again: 2 * MINUTE },
    ],
    'that is just not three minutes old is still too young': [
      { createdAt: instant(-3 * MINUTE + SECOND) },
      {},
      { is: 'young', again: SECOND },
    ],
    'that is three minutes old is not': [{ createdAt: instant(-3 * MINUTE) }, {}, { is: 'suspect' }],
    'of another shard is nothing to us, however old it is': [
      { tag: { ...tag, shard: 'b' } },
      { object: undefined },
      { is: 'foreign' },
    ],
    'of no shard is nothing to a shard': [{}, { shard: 'b', object: undefined }, { is: 'foreign' }],
    'of our shard and of an object that nobody here knows is a stray': [
      { tag: { ...tag, shard: 'b' } },
      { shard: 'b', object: undefined },
      { is: 'stray' },
    ],
    'of another shard, and of an object that has come from there, is a suspect': [
      {},
      { shard: 'b' },
      { is: 'suspect' },
    ],
    'of another shard, that an object which has come from there names, is accounted for': [
      { tag: { ...tag, shard: 'a' } },
      { shard: 'b', object: { ...nothing, ids: new Set(['lease-1']) } },
      { is: 'accounted' },
    ],
    'of an object that nobody here knows is a stray': [{}, { object: undefined }, { is: 'stray' }],
    'of an object that nobody here knows yet may be about to be named': [
      { createdAt: instant(-MINUTE) },
      { object: undefined },
      { is: 'accounted' },
    ],
    'whose age cannot be read is a stray': [{ createdAt: 'once' }, {}, { is: 'stray' }],
    'of a server whose time is not known is a stray': [{}, { serverTime: undefined }, { is: 'stray' }],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [lease, sees, is]) => {
    expect(sweepVerdict(ourLease(lease), context(sees))).toEqual(is);
  });
});

test('whatever the lease: a suspect is ours, of an object that is known, named by nobody, and 3 minutes old', () => {
  const word = fc.constantFrom('ours', 'theirs', 'lease-1', 'attempt-1', 'object-uid', '');
  const words = fc.array(word).map((list) => new Set(list));
  fc.assert(
    fc.property(
      fc.option(fc.record({ install: word, object: word, attempt: word }), { nil: undefined }),
      fc.option(fc.record({ ids: words, attempts: words }), { nil: undefined }),
      fc.integer({ min: -HOUR, max: HOUR }),
      (drawn, object, age) => {
        const lease = ourLease({ tag: drawn, createdAt: instant(-age) });
        if (sweepVerdict(lease, context({ object })).is !== 'suspect') return;
        expect(drawn?.install).toBe('ours');
        expect(object?.ids.has('lease-1')).toBe(false);
        expect(object?.attempts.has(drawn?.attempt ?? '')).toBe(false);
        expect(age).toBeGreaterThan(3 * MINUTE - SECOND);
      },
    ),
  );
});
