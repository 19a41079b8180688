/** Keys in the order of a number that belongs to each; equal numbers in the order in which they were set. */
export interface Heap {
  /** Adds a key, or moves it. O(log n). */
  set(key: string, at: number): void;
  /** Takes a key out. O(log n). Unknown keys are ignored. */
  delete(key: string): void;
  /** The number of a key. */
  at(key: string): number | undefined;
  /** The key with the smallest number. */
  first(): { readonly key: string; readonly at: number } | undefined;
  readonly size: number;
}

interface Entry {
  readonly key: string;
  readonly at: number;
  readonly order: number;
  /** Where it stands in the heap. Kept here, not in a map of its own: it changes with every swap. */
  position: number;
}

/** Makes an empty {@link Heap}: a binary heap that knows where each key stands. */
export function heap(): Heap {
  const entries: Entry[] = [];
  const byKey = new Map<string, Entry>();
  let order = 0;

  const put = (entry: Entry, position: number): void => {
    entries[position] = entry;
    entry.position = position;
  };
  /** Finds the place of an entry that may stand too low, from `position` upwards. */
  const rise = (entry: Entry, position: number): number => {
    let place = position;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = entries[above];
      if (parent === undefined || !precedes(entry, parent)) break;
      put(parent, place);
      place = above;
    }
    put(entry, place);
    return place;
  };
  const smallerChild = (position: number): number => {
    const left = 2 * position + 1;
    const one = entries[left];
    const other = entries[left + 1];
    return one !== undefined && other !== undefined && precedes(other, one) ? left + 1 : left;
  };
  /** Finds the place of an entry that may stand too high, from `position` downwards. */
  const sink = (entry: Entry, position: number): void => {
    let place = position;
    for (;;) {
      const below = smallerChild(place);
      const child = entries[below];
      if (child === undefined || !precedes(child, entry)) break;
      put(child, place);
      place = below;
    }
    put(entry, place);
  };
  const remove = (position: number): void => {
    const last = entries.pop();
    if (last === undefined || position === entries.length) return;
    const place = rise(last, position);
    if (place === position) sink(last, place);
  };

  return {
    set(key, at) {
      this.delete(key);
      order += 1;
      const entry = { key, at, order, position: entries.length };
      byKey.set(key, entry);
      rise(entry, entries.length);
    },
    delete(key) {
      const entry = byKey.get(key);
      if (entry === undefined) return;
      byKey.delete(key);
      remove(entry.position);
    },
    at: (key) => byKey.get(key)?.at,
    first: () => entries[0],
    get size() {
      return entries.length;
    },
  };
}

function precedes(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
