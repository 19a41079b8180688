import { lanes, type LaneLimits, type LanePlace } from './lanes.ts';
import { higher, type Priority } from './priority.ts';

export interface QueueOptions extends LaneLimits {
  /**
   * The lane of a key, and how soon it is to be served within its lane: the smaller the deadline, the sooner. Asked
   * whenever the key begins to wait and whenever it is added again. Default: one lane, in which the first come is the
   * first served.
   */
  readonly placeOf?: ((key: string) => Omit<LanePlace, 'priority'>) | undefined;
}

/**
 * A queue of keys, each at most once, and each in the hands of at most one worker. See {@link lanes} for the order.
 * Every operation takes constant time, amortised, but for the logarithm of a lane's length.
 */
export interface Queue {
  /**
   * Asks for a key to be served. One that waits already stays in its place unless its deadline has changed, or moves to
   * a higher priority; one that is being served is served once more afterwards.
   *
   * @param priority default `normal`; of several asked for, the highest counts.
   */
  add(key: string, priority?: Priority): void;
  /** Hands out the next key, until `done`; undefined when none waits, or none that may be served now. */
  take(): string | undefined;
  /** Takes a key back from its worker. Unknown keys are ignored. */
  done(key: string): void;
  /** The key is being served for long: it no longer counts as `busy`, and its lane is slow until it is done. */
  setAside(key: string): void;
  /** How many keys wait, those to be served once more included. */
  readonly waiting: number;
  /** How many keys are being served. */
  readonly taken: number;
  /** How many keys are being served and are not set aside. */
  readonly busy: number;
}

/** Makes an empty {@link Queue}. */
export function queue({ placeOf = () => ({ lane: '', deadline: 0 }), ...limits }: QueueOptions = {}): Queue {
  const order = lanes(limits);
  /** Keys that wait, and where. */
  const places = new Map<string, LanePlace>();
  /** Keys that are being served, and how urgently they are to be served once more. */
  const serving = new Map<string, Priority | undefined>();
  let again = 0;

  const enter = (key: string, priority: Priority): void => {
    const before = places.get(key);
    const place = {
      ...placeOf(key),
      priority: before === undefined ? priority : higher(before.priority, priority),
    };
    places.set(key, place);
    if (before === undefined) order.put(key, place);
    else order.move(key, before, place);
  };

  return {
    add(key, priority = 'normal') {
      if (serving.has(key)) {
        const asked = serving.get(key);
        if (asked === undefined) again += 1;
        serving.set(key, asked === undefined ? priority : higher(asked, priority));
        return;
      }
      enter(key, priority);
    },
    take() {
      const key = order.take();
      if (key === undefined) return undefined;
      places.delete(key);
      serving.set(key, undefined);
      return key;
    },
    done(key) {
      const asked = serving.get(key);
      if (!serving.delete(key)) return;
      order.done(key);
      if (asked === undefined) return;
      again -= 1;
      enter(key, asked);
    },
    setAside: (key) => order.setAside(key),
    get waiting() {
      return places.size + again;
    },
    get taken() {
      return serving.size;
    },
    get busy() {
      return order.busy;
    },
  };
}
