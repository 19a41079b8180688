import { fifo, type Fifo } from './fifo.ts';
import { heap, type Heap } from './heap.ts';
import { priorities, type Priority } from './priority.ts';

export interface LaneLimits {
  /** How many keys of one lane are served at the same time, at most. Default: any number. */
  readonly most?: number | undefined;
  /**
   * How many keys of slow lanes are served at the same time, at most, all such lanes together; keys that were set aside
   * do not count. Default: any number.
   */
  readonly slowShare?: number | undefined;
}

/** Where a key waits. */
export interface LanePlace {
  readonly lane: string;
  readonly priority: Priority;
  /** The smaller, the sooner it is served within its lane and priority. */
  readonly deadline: number;
}

/**
 * Keys that wait in lanes, so that what one lane waits for is not waited for by another. Within a lane the higher priority
 * goes first, then the earlier deadline, then the first come. Lanes take turns: whoever has been served goes to the end of
 * the round. A lane that has as many keys in service as it may is passed over.
 *
 * A lane is *slow* while one of its keys is set aside. Slow lanes have a share of the service of their own, before the
 * others and no more than it: they are neither starved, nor can many of them starve the rest.
 *
 * Everything takes constant time, amortised, but for the logarithm of a lane's length.
 */
export interface Lanes {
  /** Adds a key that does not wait yet. */
  put(key: string, place: LanePlace): void;
  /** Moves a key that waits; the same place again changes nothing. */
  move(key: string, from: LanePlace, to: LanePlace): void;
  /** Hands out the next key; undefined when none may be served. */
  take(): string | undefined;
  /** A key is no longer being served. */
  done(key: string): void;
  /** A key is being served for so long that its lane counts as slow. */
  setAside(key: string): void;
  /** How many keys are being served and are not set aside. */
  readonly busy: number;
  /** How many lanes there are: those in which a key waits or is being served. */
  readonly size: number;
}

/** Of a lane that may be served now: its place in a round. A ticket that is no longer its lane's is void. */
interface Ticket {
  readonly lane: Lane;
  readonly round: Fifo<Ticket>;
}

interface Lane {
  readonly name: string;
  readonly waiting: Readonly<Record<Priority, Heap>>;
  serving: number;
  aside: number;
  ticket: Ticket | undefined;
}

interface Service {
  readonly lane: Lane;
  /** It takes from the share of slow lanes. */
  slow: boolean;
  aside: boolean;
}

type Round = Readonly<Record<Priority, Fifo<Ticket>>>;

/** Makes {@link Lanes} in which nothing waits. */
export function lanes({ most = Infinity, slowShare = Infinity }: LaneLimits = {}): Lanes {
  const byName = new Map<string, Lane>();
  const services = new Map<string, Service>();
  const [quick, slow] = [round(), round()];
  let busy = 0;
  let slowBusy = 0;

  const laneOf = (name: string): Lane => {
    const lane = byName.get(name) ?? emptyLane(name);
    byName.set(name, lane);
    return lane;
  };

  const roundFor = (lane: Lane, priority: Priority): Fifo<Ticket> | undefined =>
    lane.serving < most ? (lane.aside > 0 ? slow : quick)[priority] : undefined;

  /** Gives a lane the place in a round that it should have; one that it has already stays. */
  const arrange = (lane: Lane): void => {
    const priority = priorities.find((one) => lane.waiting[one].size > 0);
    if (priority === undefined && lane.serving === 0) byName.delete(lane.name);
    const turns = priority === undefined ? undefined : roundFor(lane, priority);
    if (turns === lane.ticket?.round) return;
    lane.ticket = turns === undefined ? undefined : { lane, round: turns };
    if (lane.ticket !== undefined) turns?.push(lane.ticket);
  };

  const takeFrom = (turns: Fifo<Ticket>, priority: Priority): string | undefined => {
    for (let ticket = turns.shift(); ticket !== undefined; ticket = turns.shift()) {
      const { lane } = ticket;
      const first = lane.waiting[priority].first();
      if (lane.ticket !== ticket || first === undefined) continue;
      lane.ticket = undefined;
      lane.waiting[priority].delete(first.key);
      begin(first.key, lane);
      return first.key;
    }
    return undefined;
  };

  const begin = (key: string, lane: Lane): void => {
    const service = { lane, slow: lane.aside > 0, aside: false };
    services.set(key, service);
    lane.serving += 1;
    busy += 1;
    if (service.slow) slowBusy += 1;
    arrange(lane);
  };

  const release = (service: Service): void => {
    busy -= 1;
    if (service.slow) slowBusy -= 1;
  };

  return {
    put(key, { lane: name, priority, deadline }) {
      const lane = laneOf(name);
      lane.waiting[priority].set(key, deadline);
      arrange(lane);
    },
    move(key, from, to) {
      if (from.lane === to.lane && from.priority === to.priority && from.deadline === to.deadline) return;
      const left = laneOf(from.lane);
      left.waiting[from.priority].delete(key);
      this.put(key, to);
      arrange(left);
    },
    take() {
      for (const priority of priorities) {
        const ofSlow = slowBusy < slowShare ? takeFrom(slow[priority], priority) : undefined;
        const key = ofSlow ?? takeFrom(quick[priority], priority);
        if (key !== undefined) return key;
      }
      return undefined;
    },
    done(key) {
      const service = services.get(key);
      if (service === undefined) return;
      services.delete(key);
      const { lane } = service;
      lane.serving -= 1;
      if (service.aside) lane.aside -= 1;
      else release(service);
      arrange(lane);
    },
    setAside(key) {
      const service = services.get(key);
      if (service === undefined || service.aside) return;
      release(service);
      service.aside = true;
      service.lane.aside += 1;
      arrange(service.lane);
    },
    get busy() {
      return busy;
    },
    get size() {
      return byName.size;
    },
  };
}

function emptyLane(name: string): Lane {
  const waiting = { urgent: heap(), normal: heap(), background: heap() };
  return { name, waiting, serving: 0, aside: 0, ticket: undefined };
}

function round(): Round {
  return { urgent: fifo(), normal: fifo(), background: fifo() };
}
