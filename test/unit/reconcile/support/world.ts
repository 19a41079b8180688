import type { LeaseParts } from '../../../../src/reconcile/lease/context.ts';
import { type LeaseOutcome, reconcileLease } from '../../../../src/reconcile/lease/reconciler.ts';
import { MINUTE } from '../../../support/builders.ts';
import { type Line, memoryLog } from '../../kube/support/telemetry.ts';
import type { ApiEvent } from './api-server.ts';
import { type Process, startProcess } from './process.ts';
import { KEY, Surroundings } from './surroundings.ts';
import { countedMetrics, rememberedEvents } from './telemetry.ts';
import { type CallName, type Death, type Fate, Wire } from './wire.ts';

export { INSTALL } from './process.ts';
export { KEY, TARGET } from './surroundings.ts';

/** The most requests of one reconciliation before it counts as one that runs in a circle. */
const MOST_CALLS = 40;

/** The most reconciliations before a world counts as one that never comes to rest. */
const MOST_PASSES = 1000;

/** The end of a process: what it had asked, and how many leases there had been by then. */
export interface Crash {
  readonly calls: readonly CallName[];
  readonly when: Death['when'] | undefined;
  readonly leases: number;
}

export interface WorldOptions {
  /** How the processes end, one after another; the last one does not. */
  readonly deaths?: readonly Death[];
  /** Whether the lists of the inventory are made as their times come. Default: only when a test asks for them. */
  readonly inventory?: boolean;
  /** What happens after the end of a process and before the start of the next. Default: nothing. */
  readonly between?: (world: World) => void;
}

/**
 * The operator's reconciler between its two servers. A process that ends is followed by another one with an empty
 * memory.
 */
export class World extends Surroundings {
  readonly lines: readonly Line[];
  readonly counts: readonly string[];
  /** The Kubernetes events. */
  readonly told: readonly string[];
  /** Whether the watches tell of events. */
  watching = true;
  readonly #events: ApiEvent[];
  readonly #wires: Wire[] = [];
  readonly #deaths: Death[];
  readonly #crashes: Crash[] = [];
  readonly #telemetry = { ...memoryLog(), ...countedMetrics(), ...rememberedEvents() };
  readonly #lists: boolean;
  readonly #between: (world: World) => void;
  #process: Process;
  #told = 0;

  constructor({ deaths = [], inventory = false, between = () => undefined }: WorldOptions = {}) {
    const events: ApiEvent[] = [];
    super((event) => void events.push(event));
    this.#events = events;
    this.lines = this.#telemetry.lines;
    this.counts = this.#telemetry.counts;
    this.told = this.#telemetry.told;
    this.#deaths = [...deaths];
    this.#lists = inventory;
    this.#between = between;
    this.#process = this.#start();
  }

  /** Ends the process and starts another. */
  restart(): void {
    this.#process.wire.end();
    this.#process = this.#start();
  }

  get parts(): LeaseParts {
    return this.#process.parts;
  }

  /** The ends of the processes that ended by themselves. */
  get crashes(): readonly Crash[] {
    return this.#crashes;
  }

  /** The fates of the next requests of that name that this process makes. */
  next(name: CallName, ...fates: readonly Fate[]): void {
    this.#process.wire.next(name, ...fates);
  }

  /** The fate of every other request of that name that this process makes. */
  always(name: CallName, fate: Fate): void {
    this.#process.wire.always(name, fate);
  }

  /** The fate of this process' nth request. */
  at(count: number, fate: Fate): void {
    this.#process.wire.at(count, fate);
  }

  /** The requests that were made since this was last asked. */
  calls(): readonly CallName[] {
    const all = this.#wires.flatMap((wire) => wire.calls);
    const fresh = all.slice(this.#told);
    this.#told = all.length;
    return fresh;
  }

  /** One reconciliation. The watches tell nothing before it ends. */
  async reconcile(key: string = KEY): Promise<LeaseOutcome | undefined> {
    const { wire, parts, wakeUps } = this.#process;
    wakeUps.delete(key);
    const running = reconcileLease(parts, key, new AbortController().signal);
    const before = wire.calls.length;
    const outcome = await Promise.race([running, wire.died.then(() => undefined)]);
    const calls = wire.calls.slice(before);
    if (calls.length > MOST_CALLS) throw new Error(`It runs in a circle: ${calls.join(', ')}`);
    if (wire.dead) {
      this.#crashes.push({ calls: wire.calls, when: wire.death?.when, leases: this.leases.rows.length });
      this.#process = this.#start();
      return undefined;
    }
    if (outcome?.again !== undefined) wakeUps.set(key, this.clock.elapsed() + outcome.again);
    return outcome;
  }

  /** Has every group of the inventory listed now, and the operator do what follows from it. */
  async inventory(): Promise<void> {
    const groups = Array.from(this.#process.lists.keys());
    for (const group of groups) await this.#list(group);
    await this.settle(0);
  }

  /** Lets the operator work until only a wake-up more than `within` milliseconds ahead is left, or none. */
  async settle(within: number = 5 * MINUTE): Promise<void> {
    const until = this.clock.elapsed() + within;
    for (let passes = 0; passes < MOST_PASSES; passes += 1) {
      this.tell();
      const next = this.#next(until);
      if (next === undefined) return;
      if ('list' in next) {
        await this.#list(next.list);
        continue;
      }
      this.#process.waiting.delete(next.key);
      await this.reconcile(next.key);
    }
    throw new Error(`After ${String(MOST_PASSES)} reconciliations there is still more to do.`);
  }

  /** Lets the operator work for so long. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.elapsed() + ms;
    await this.settle(ms);
    this.clock.advance(until - this.clock.elapsed());
  }

  /** Has the watches tell what they have not told yet. */
  tell(): void {
    if (!this.watching) return;
    for (const event of this.#events.splice(0)) this.#process.cluster.hear(event);
  }

  async #list(group: string): Promise<void> {
    const { wire, inventory, lists } = this.#process;
    lists.delete(group);
    const visiting = inventory.visit(group, new AbortController().signal);
    const outcome = await Promise.race([visiting, wire.died.then(() => undefined)]);
    if (wire.dead) {
      this.#crashes.push({ calls: wire.calls, when: wire.death?.when, leases: this.leases.rows.length });
      this.#process = this.#start();
    } else if (outcome?.again !== undefined) {
      lists.set(group, this.clock.elapsed() + outcome.again);
    }
  }

  #next(until: number): { readonly key: string } | { readonly list: string } | undefined {
    const { waiting, wakeUps, lists } = this.#process;
    const [key] = waiting;
    if (key !== undefined) return { key };
    const looks = [...wakeUps].map(([one, at]) => ({ next: { key: one }, at }));
    const visits = this.#lists ? [...lists].map(([list, at]) => ({ next: { list }, at })) : [];
    const [first] = [...looks, ...visits].toSorted((one, other) => one.at - other.at);
    if (first === undefined || first.at > until) return undefined;
    this.clock.advance(Math.max(first.at - this.clock.elapsed(), 0));
    return first.next;
  }

  #start(): Process {
    if (this.#wires.length > 0) this.#between(this);
    const wire = new Wire(this.#deaths.shift());
    this.#wires.push(wire);
    this.#events.splice(0);
    const { clock, kube, leases } = this;
    const { log, metrics, events } = this.#telemetry;
    return startProcess({ clock, kube, leases, log, metrics, events }, wire);
  }
}
