import type { ApiEvent, ApiObject, ApiServer, Kind } from '../unit/reconcile/support/api-server.ts';
import { keyOf } from '../unit/reconcile/support/api-server.ts';
import type { Listing, MemoryCluster } from '../unit/reconcile/support/memory-cluster.ts';
import type { Random } from './random.ts';
import type { SimulatedTime } from './time.ts';

export const kinds: readonly [Kind, ...Kind[]] = ['leases', 'connections', 'secrets', 'dynamicSecrets'];

/** Everything that the Kubernetes API has told, in its order: what watches are served from. */
export class History {
  readonly events: ApiEvent[] = [];
  readonly #latest = new Map<string, ApiObject>();

  add(event: ApiEvent): void {
    this.events.push(event);
    const id = `${event.kind} ${keyOf(event.object)}`;
    if (event.type === 'written') this.#latest.set(id, event.object);
    else this.#latest.delete(id);
  }

  /** An object as the last event told of it. */
  latest(kind: Kind, key: string): ApiObject | undefined {
    return this.#latest.get(`${kind} ${key}`);
  }

  /** What a list of some events ago showed. */
  listing(server: ApiServer, age: number): Listing {
    if (age === 0) {
      const now = kinds.map((kind) => [kind, server.list(kind)] as const);
      const byKind = new Map(now);
      return { version: server.version, list: (kind) => byKind.get(kind) ?? [] };
    }
    const until = Math.max(this.events.length - age, 0);
    const objects = new Map<string, ApiObject>();
    for (const { kind, type, object } of this.events.slice(0, until)) {
      if (type === 'written') objects.set(`${kind} ${keyOf(object)}`, object);
      else objects.delete(`${kind} ${keyOf(object)}`);
    }
    const version = this.events[until - 1]?.object.metadata.resourceVersion ?? '0';
    return {
      version,
      list: (kind) => [...objects].filter(([id]) => id.startsWith(`${kind} `)).map(([, object]) => object),
    };
  }
}

export interface WatchParts {
  readonly time: SimulatedTime;
  readonly random: Random;
  readonly history: History;
  readonly server: ApiServer;
  readonly cluster: MemoryCluster;
  /** Runs something in the process. */
  readonly within: (act: () => void) => void;
  /** Until when its watches stand still, in simulated milliseconds. */
  readonly frozenUntil: () => number;
  /** How badly events fare: 0 (each after milliseconds) to 1. */
  readonly lateness: number;
  readonly note: (what: string) => void;
}

/** One process' watch of one kind: events in their order, late, some twice; now and then a whole list in their place. */
export class KindWatch {
  readonly #parts: WatchParts;
  readonly #kind: Kind;
  /** How many events of the history it has passed on. */
  #position: number;
  #waiting = false;
  #ended = false;

  /** @param position how many events the first list had seen. */
  constructor(parts: WatchParts, kind: Kind, position: number) {
    this.#parts = parts;
    this.#kind = kind;
    this.#position = position;
  }

  end(): void {
    this.#ended = true;
  }

  /** There may be something new. */
  stir(): void {
    if (this.#waiting || this.#ended) return;
    const { time, random, lateness, frozenUntil } = this.#parts;
    const delay = random.chance(lateness) ? random.between(0, 20_000) * lateness : random.between(0, 60);
    this.#waiting = true;
    time.at(
      Math.max(time.now + delay, frozenUntil()),
      () => this.#parts.within(() => this.#proceed()),
      false,
    );
  }

  #proceed(): void {
    this.#waiting = false;
    if (this.#ended) return;
    const { random, lateness, history } = this.#parts;
    if (random.chance(lateness * 0.1)) {
      this.#relist();
      return;
    }
    const { events } = history;
    const most = random.chance(0.5) ? 1 : Infinity;
    let told = 0;
    while (told < most && this.#position < events.length) {
      const event = events[this.#position];
      this.#position += 1;
      if (event?.kind !== this.#kind) continue;
      told += 1;
      this.#tell(event);
      if (random.chance(lateness * 0.1)) this.#tell(event);
    }
    if (this.#position < events.length) this.stir();
  }

  #tell(event: ApiEvent): void {
    this.#parts.time.steps += 1;
    this.#parts.cluster.hear(event);
  }

  /** The place is lost (410): a consistent list, which takes its time both ways. */
  #relist(): void {
    const { time, random, cluster, server, history, within, note } = this.#parts;
    this.#waiting = true;
    const since = cluster.stores[this.#kind].beginReplace();
    time.after(random.between(1, 2000), () => {
      const listing = history.listing(server, 0);
      const position = history.events.length;
      time.after(
        random.between(1, 5000),
        () =>
          within(() => {
            this.#waiting = false;
            if (this.#ended) return;
            note(`lists ${this.#kind} anew, at ${listing.version}`);
            cluster.relist(this.#kind, listing, since);
            this.#position = position;
            this.stir();
          }),
        false,
      );
    });
  }
}
