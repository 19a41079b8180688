import { describe, expect, test } from 'vitest';

import { namespaceOf } from '../../../src/kube/object-key.ts';
import { fedStore, type FedStore, type StoreRecord } from '../../../src/kube/store.ts';

interface Fruit extends StoreRecord {
  readonly colours: readonly string[];
}

function fruit(key: string, version: number, uid = `${key}-1`, colours: readonly string[] = []): Fruit {
  return { key, uid, resourceVersion: String(version), colours };
}

interface Watched {
  readonly store: FedStore<Fruit, 'colour'>;
  /** Each change as "key: before → after", by resourceVersion. */
  readonly told: string[];
}

function watched(scopeOf?: (key: string) => string): Watched {
  const store = fedStore<Fruit, 'colour'>({
    indexes: { colour: ({ colours }) => colours },
    ...(scopeOf === undefined ? {} : { scopeOf }),
  });
  const told: string[] = [];
  store.subscribe((key, before, after) => {
    told.push(`${key}: ${before?.resourceVersion ?? '-'} → ${after?.resourceVersion ?? '-'}`);
  });
  return { store, told };
}

function keys(found: readonly Fruit[]): string[] {
  return found.map(({ key }) => key).sort();
}

function list(
  store: FedStore<Fruit, 'colour'>,
  version: number,
  records: readonly Fruit[],
  scope = '',
): void {
  store.replace(scope, { records, resourceVersion: String(version), since: store.beginReplace() });
}

type Step = (store: FedStore<Fruit, 'colour'>) => void;

/** Steps of which each sees the store; `told` are the changes that subscribers hear of. */
interface Case {
  readonly steps: readonly Step[];
  readonly told: readonly string[];
}

const event = (key: string, version: number, uid?: string): Step => {
  return (store) => store.apply(fruit(key, version, uid));
};
const deleted = (key: string, version: number, uid = `${key}-1`): Step => {
  return (store) => store.remove(key, uid, String(version));
};
const own = (key: string, version: number, uid?: string): Step => {
  return (store) => store.observe(fruit(key, version, uid));
};
const ownDelete = (key: string, uid = `${key}-1`): Step => {
  return (store) => store.observeDeleted(key, uid);
};
const listed = (version: number, ...records: Fruit[]): Step => {
  return (store) => list(store, version, records);
};

describe('what a store tells', () => {
  const cases: Record<string, Case> = {
    'an object comes, changes and goes': {
      steps: [event('a', 1), event('a', 2), deleted('a', 3)],
      told: ['a: - → 1', 'a: 1 → 2', 'a: 2 → -'],
    },
    'an own write is told at once, and its echo not at all': {
      steps: [event('a', 1), own('a', 2), event('a', 2)],
      told: ['a: - → 1', 'a: 1 → 2'],
    },
    'an own write that the watch has overtaken is not told': {
      steps: [event('a', 1), event('a', 2), event('a', 3), own('a', 2)],
      told: ['a: - → 1', 'a: 1 → 2', 'a: 2 → 3'],
    },
    'an event older than an own write does not overwrite it': {
      steps: [event('a', 1), own('a', 5), event('a', 4), event('a', 5), event('a', 6)],
      told: ['a: - → 1', 'a: 1 → 5', 'a: 5 → 6'],
    },
    'resourceVersions are compared as numbers': {
      steps: [event('a', 9), own('a', 10), event('a', 9)],
      told: ['a: - → 9', 'a: 9 → 10'],
    },
    'an own delete is told at once, and no late event brings the object back': {
      steps: [event('a', 1), ownDelete('a'), event('a', 2), deleted('a', 3)],
      told: ['a: - → 1', 'a: 1 → -'],
    },
    'an own delete that the watch has overtaken is not told': {
      steps: [event('a', 1), deleted('a', 2), ownDelete('a')],
      told: ['a: - → 1', 'a: 1 → -'],
    },
    'an own delete does not touch an object that has taken the name since': {
      steps: [event('a', 1), event('a', 3, 'a-2'), ownDelete('a', 'a-1')],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 3'],
    },
    'after an own delete the name may be taken anew, before the deletion is confirmed': {
      steps: [event('a', 1), ownDelete('a'), own('a', 3, 'a-2'), deleted('a', 2), event('a', 3, 'a-2')],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 3'],
    },
    'a late answer of an own write does not bring back what the watch has seen go': {
      steps: [event('a', 1), event('a', 2), deleted('a', 3), own('a', 2)],
      told: ['a: - → 1', 'a: 1 → 2', 'a: 2 → -'],
    },
    'an own write to an object that the watch has not shown yet is told': {
      steps: [listed(1), own('a', 2), event('a', 2)],
      told: ['a: - → 2'],
    },
    'an object that leaves the selector and returns is told as gone and come': {
      steps: [event('a', 1), deleted('a', 2), event('a', 3)],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 3'],
    },
    'an object that left the selector before an own write brought it back stays': {
      steps: [event('a', 1), own('a', 3), deleted('a', 2), event('a', 3)],
      told: ['a: - → 1', 'a: 1 → 3'],
    },
    'an own delete is not confirmed by an older departure from the selector': {
      steps: [event('a', 1), own('a', 3), ownDelete('a'), deleted('a', 2), event('a', 3), deleted('a', 4)],
      told: ['a: - → 1', 'a: 1 → 3', 'a: 3 → -'],
    },
    'an object that is made anew is told as gone and come, though its deletion was missed': {
      steps: [event('a', 1), event('a', 5, 'a-2')],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 5'],
    },
    'a late event of an earlier object of that name is ignored': {
      steps: [
        event('a', 1),
        own('a', 5, 'a-2'),
        event('a', 2, 'a-1'),
        deleted('a', 3, 'a-1'),
        event('a', 5, 'a-2'),
      ],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 5'],
    },
    'a late event of an earlier object of that name does not come back after the later one was deleted': {
      steps: [event('a', 1), own('a', 5, 'a-2'), ownDelete('a', 'a-2'), event('a', 2, 'a-1')],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 5', 'a: 5 → -'],
    },
    'a list tells only what is different': {
      steps: [
        event('a', 1),
        event('b', 2),
        event('c', 3),
        listed(9, fruit('a', 1), fruit('b', 7), fruit('d', 8)),
      ],
      told: ['a: - → 1', 'b: - → 2', 'c: - → 3', 'c: 3 → -', 'b: 2 → 7', 'd: - → 8'],
    },
    'a list tells an object that was made anew as gone and come': {
      steps: [event('a', 1), listed(9, fruit('a', 8, 'a-2'))],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 8'],
    },
    'a list confirms an own delete': {
      steps: [event('a', 1), ownDelete('a'), listed(5), event('a', 6, 'a-2')],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 6'],
    },
    'a list asked for after an own delete shows that the object lives': {
      steps: [event('a', 1), ownDelete('a'), listed(5, fruit('a', 4))],
      told: ['a: - → 1', 'a: 1 → -', 'a: - → 4'],
    },
    'a list of a cluster restored from a backup, with smaller resourceVersions, wins': {
      steps: [event('a', 100), own('b', 200), listed(50, fruit('a', 40)), event('a', 51)],
      told: ['a: - → 100', 'b: - → 200', 'b: 200 → -', 'a: 100 → 40', 'a: 40 → 51'],
    },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { steps, told }) => {
    const seen = watched();
    for (const step of steps) step(seen.store);
    expect(seen.told).toEqual(told);
  });
});

describe('own writes while a list is under way', () => {
  test('one that the list does not show yet stays, and a deletion too', () => {
    const { store, told } = watched();
    list(store, 5, [fruit('gone', 1), fruit('old', 2)]);
    told.length = 0;
    const since = store.beginReplace();
    store.observe(fruit('new', 11));
    store.observe(fruit('old', 12));
    store.observeDeleted('gone', 'gone-1');
    store.replace('', { records: [fruit('gone', 1), fruit('old', 2)], resourceVersion: '10', since });
    expect(told).toEqual(['new: - → 11', 'old: 2 → 12', 'gone: 1 → -']);
    expect([...store.values()].map(({ key }) => key).sort()).toEqual(['new', 'old']);
  });

  test('one that the list has overtaken does not stay', () => {
    const { store, told } = watched();
    const since = store.beginReplace();
    store.observe(fruit('gone', 6));
    store.observe(fruit('changed', 7));
    store.replace('', { records: [fruit('changed', 9)], resourceVersion: '10', since });
    expect(told).toEqual(['gone: - → 6', 'changed: - → 7', 'gone: 6 → -', 'changed: 7 → 9']);
  });

  test('one from before the list does not survive it', () => {
    const { store } = watched();
    store.observe(fruit('a', 30));
    list(store, 10, []);
    expect(store.size).toBe(0);
  });
});

describe('a list', () => {
  test('replaces its own scope only', () => {
    const { store } = watched(namespaceOf);
    list(store, 5, [fruit('one/a', 1), fruit('one/b', 2)], 'one');
    list(store, 6, [fruit('two/a', 3)], 'two');
    list(store, 9, [fruit('one/b', 2)], 'one');
    expect([...store.values()].map(({ key }) => key)).toEqual(['one/b', 'two/a']);
  });

  test("does not let one scope's progress hide own writes in another", () => {
    const { store } = watched(namespaceOf);
    list(store, 5, [], 'one');
    list(store, 90, [], 'two');
    store.observe(fruit('one/a', 50));
    store.observe(fruit('two/a', 50));
    expect([...store.values()].map(({ key }) => key)).toEqual(['one/a']);
  });

  test('keeps what was known of an object that exists and cannot be read', () => {
    const { store, told } = watched();
    list(store, 5, [fruit('a', 1), fruit('b', 2)]);
    told.length = 0;
    store.replace('', {
      records: [],
      resourceVersion: '9',
      since: store.beginReplace(),
      unreadable: new Set(['a']),
    });
    expect(told).toEqual(['b: 2 → -']);
    expect(store.get('a')?.resourceVersion).toBe('1');
  });

  test('is whole before anything is told', () => {
    const { store } = watched();
    const sizes: number[] = [];
    store.subscribe(() => sizes.push(store.size));
    list(store, 5, [fruit('a', 1), fruit('b', 2), fruit('c', 3)]);
    expect(sizes).toEqual([3, 3, 3]);
  });
});

describe('an index', () => {
  test('finds records by each of their values, as they come, change and go', () => {
    const { store } = watched();
    store.apply(fruit('apple', 1, 'u1', ['red', 'green']));
    store.apply(fruit('cherry', 2, 'u2', ['red']));
    expect(keys(store.byIndex('colour', 'red'))).toEqual(['apple', 'cherry']);
    expect(store.count('colour', 'red')).toBe(2);
    store.apply(fruit('apple', 3, 'u1', ['yellow']));
    expect(keys(store.byIndex('colour', 'red'))).toEqual(['cherry']);
    expect(keys(store.byIndex('colour', 'green'))).toEqual([]);
    expect(store.count('colour', 'green')).toBe(0);
    expect(keys(store.byIndex('colour', 'yellow'))).toEqual(['apple']);
    store.remove('apple', 'u1', '4');
    expect(keys(store.byIndex('colour', 'yellow'))).toEqual([]);
    list(store, 9, [fruit('lime', 8, 'u3', ['green'])]);
    expect(keys(store.byIndex('colour', 'red'))).toEqual([]);
    expect(keys(store.byIndex('colour', 'green'))).toEqual(['lime']);
  });

  test('is up to date when subscribers hear of a change', () => {
    const { store } = watched();
    const found: string[][] = [];
    store.subscribe(() => found.push(keys(store.byIndex('colour', 'red'))));
    store.observe(fruit('apple', 1, 'u1', ['red']));
    store.observeDeleted('apple', 'u1');
    expect(found).toEqual([['apple'], []]);
  });
});

describe('an object that a look shows to have left the selection', () => {
  test('goes at once, and is not brought back by an event that is older', () => {
    const { store, told } = watched();
    store.apply(fruit('apple', 1, 'u1'));
    store.observeLeft(fruit('apple', 3, 'u1'));
    store.apply(fruit('apple', 2, 'u1'));
    expect(store.get('apple')).toBeUndefined();
    expect(told).toEqual(['apple: - → 1', 'apple: 1 → -']);
  });

  test('comes back with a newer state, whether or not the watch has told that it had left', () => {
    for (const hears of [true, false]) {
      const { store } = watched();
      store.apply(fruit('apple', 1, 'u1'));
      store.observeLeft(fruit('apple', 3, 'u1'));
      if (hears) store.remove('apple', 'u1', '3');
      store.apply(fruit('apple', 4, 'u1'));
      expect(store.get('apple')?.resourceVersion).toBe('4');
    }
  });

  test('comes back with a list that was asked for before the look, if that shows a newer state', () => {
    for (const [version, shown] of [
      [2, undefined],
      [4, '4'],
    ] as const) {
      const { store } = watched();
      store.apply(fruit('apple', 1, 'u1'));
      const since = store.beginReplace();
      store.observeLeft(fruit('apple', 3, 'u1'));
      store.replace('', { records: [fruit('apple', version, 'u1')], resourceVersion: '9', since });
      expect(store.get('apple')?.resourceVersion).toBe(shown);
    }
  });

  test('stays where the view is newer than the look, or shows another object', () => {
    const { store, told } = watched();
    store.apply(fruit('apple', 5, 'u1'));
    store.observeLeft(fruit('apple', 3, 'u1'));
    store.apply(fruit('pear', 6, 'u2'));
    store.observeLeft(fruit('pear', 7, 'u3'));
    expect(keys([...store.values()])).toEqual(['apple', 'pear']);
    expect(told).toEqual(['apple: - → 5', 'pear: - → 6']);
  });
});

describe('a subscriber', () => {
  test('that throws does not keep the others from hearing', () => {
    const errors: unknown[] = [];
    const store = fedStore<Fruit>({ indexes: {}, onSubscriberError: (error) => errors.push(error) });
    const heard: string[] = [];
    store.subscribe(() => {
      throw new Error('no');
    });
    store.subscribe((key) => heard.push(key));
    store.apply(fruit('a', 1));
    expect(heard).toEqual(['a']);
    expect(errors).toHaveLength(1);
  });

  test('hears nothing after it has ended its subscription', () => {
    const { store } = watched();
    const heard: string[] = [];
    const end = store.subscribe((key) => heard.push(key));
    store.apply(fruit('a', 1));
    end();
    store.apply(fruit('b', 2));
    expect(heard).toEqual(['a']);
  });
});
