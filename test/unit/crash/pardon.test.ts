import { describe, expect, it } from 'vitest';

import { pardonedLeases } from '../../crash/pardon.ts';
import type { Recorder } from '../../crash/recorder.ts';

type Seen = Pick<
  Recorder,
  'issued' | 'secretWrites' | 'unattested' | 'unaccounted' | 'madeByTheKilled' | 'madeWhileDying'
>;

/** Three leases, of which a Secret was written with the first. */
const seen: Seen = {
  issued: ['written', 'lost', 'other'].map((id) => ({ id, username: undefined, password: undefined })),
  secretWrites: [{ name: 'orders', lease: 'written' }],
  unattested: new Set(),
  unaccounted: new Map(),
  madeByTheKilled: new Set(),
  madeWhileDying: new Set(),
};

describe('the leases that may live though nobody names them', () => {
  it.each<[string, Partial<Seen>, readonly string[]]>([
    ['are none where all went well', {}, []],
    ['are those that a status called unattested', { unattested: new Set(['written']) }, ['written']],
    ['are as many unwritten ones as were counted', { unaccounted: new Map([['orders', 1]]) }, ['lost']],
    ['are what the very request made', { madeByTheKilled: new Set(['written']) }, ['written']],
    ['are what other requests made meanwhile', { madeWhileDying: new Set(['other']) }, ['other']],
    ['are not what was made meanwhile and written', { madeWhileDying: new Set(['written']) }, []],
    [
      'are not counted where they are pardoned already',
      { madeWhileDying: new Set(['lost']), unaccounted: new Map([['orders', 1]]) },
      ['other', 'lost'],
    ],
  ])('%s', (_sentence, more, expected) => {
    const recorder = { ...seen, ...more };
    expect([...pardonedLeases('tags-dropped', recorder)]).toEqual(expected);
    expect([...pardonedLeases('tags-kept', recorder)]).toEqual([]);
  });
});
