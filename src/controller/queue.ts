/** How soon a key is served: every urgent key before any normal one, every normal one before any in the background. */
export type Priority = 'urgent' | 'normal' | 'background';

const lanes = ['urgent', 'normal', 'background'] as const satisfies readonly Priority[];

/**
 * A queue of keys, each at most once, and each in the hands of at most one worker. Within a priority the first come
 * is the first served. Every operation takes constant time, amortised.
 */
export interface Queue {
  /**
   * Asks for a key to be served. One that waits already stays in its place, or moves to the end of a higher priority;
   * one that is being served is served once more afterwards.
   *
   * @param priority default `normal`; of several asked for, the highest counts.
   */
  add(key: string, priority?: Priority): void;
  /** Hands out the next key, until `done`; undefined when none waits. */
  take(): string | undefined;
  /** Takes a key back from its worker. Unknown keys are ignored. */
  done(key: string): void;
  /** How many keys wait, those to be served once more included. */
  readonly waiting: number;
  /** How many keys are being served. */
  readonly taken: number;
}

interface Place {
  readonly key: string;
  readonly priority: Priority;
}

/** Makes an empty {@link Queue}. */
export function queue(): Queue {
  const fifos: Readonly<Record<Priority, Fifo<Place>>> = {
    urgent: fifo(),
    normal: fifo(),
    background: fifo(),
  };
  /** Keys that wait, and the one place of theirs that counts: one left behind in a lower lane is passed over. */
  const places = new Map<string, Place>();
  /** Keys that are being served, and how urgently they are to be served once more. */
  const serving = new Map<string, Priority | undefined>();
  let again = 0;

  const enter = (key: string, priority: Priority): void => {
    const place = { key, priority };
    places.set(key, place);
    fifos[priority].push(place);
  };
  const takeFrom = (lane: Fifo<Place>): string | undefined => {
    for (let place = lane.shift(); place !== undefined; place = lane.shift()) {
      if (places.get(place.key) !== place) continue;
      places.delete(place.key);
      serving.set(place.key, undefined);
      return place.key;
    }
    return undefined;
  };

  return {
    add(key, priority = 'normal') {
      if (serving.has(key)) {
        const asked = serving.get(key);
        if (asked === undefined) again += 1;
        serving.set(key, asked === undefined ? priority : higher(asked, priority));
        return;
      }
      const place = places.get(key);
      if (place === undefined || higher(place.priority, priority) !== place.priority) enter(key, priority);
    },
    take() {
      for (const lane of lanes) {
        const key = takeFrom(fifos[lane]);
        if (key !== undefined) return key;
      }
      return undefined;
    },
    done(key) {
      const asked = serving.get(key);
      serving.delete(key);
      if (asked === undefined) return;
      again -= 1;
      enter(key, asked);
    },
    get waiting() {
      return places.size + again;
    },
    get taken() {
      return serving.size;
    },
  };
}

function higher(one: Priority, other: Priority): Priority {
  return lanes.indexOf(one) <= lanes.indexOf(other) ? one : other;
}

interface Fifo<Item> {
  push(item: Item): void;
  shift(): Item | undefined;
}

/** `Array.shift` moves every element that is left; this one moves them only when half of the array is used up. */
function fifo<Item>(): Fifo<Item> {
  let items: Item[] = [];
  let head = 0;
  return {
    push: (item) => void items.push(item),
    shift() {
      const item = items[head];
      if (item === undefined) return undefined;
      head += 1;
      if (head * 2 >= items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
