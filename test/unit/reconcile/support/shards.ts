import { SHARD_LABEL, shardLabels, type Shard } from '../../../../src/api/shard.ts';
import type { LeaseParts } from '../../../../src/reconcile/lease/context.ts';
import { reconcileLease } from '../../../../src/reconcile/lease/reconciler.ts';
import { aSpec } from '../../../support/builders.ts';
import { memoryLog } from '../../kube/support/telemetry.ts';
import type { ApiEvent, Kind } from './api-server.ts';
import { type Process, startProcess } from './process.ts';
import { KEY, Surroundings } from './surroundings.ts';
import { countedMetrics, rememberedEvents } from './telemetry.ts';
import { type CallName, type Fate, Wire } from './wire.ts';

/** The most reconciliations before shards count as ones that never come to rest. */
const MOST_PASSES = 500;

/** One release of the operator. */
export interface Release {
  readonly parts: LeaseParts;
  readonly lines: readonly { readonly message: string }[];
  readonly counts: readonly string[];
  /** The kinds that its watches tell nothing of now. */
  readonly deafTo: Set<Kind>;
  /** The requests that it has made since this was last asked. */
  calls(): readonly CallName[];
  /** The fates of its next requests of that name. */
  next(name: CallName, ...fates: readonly Fate[]): void;
  /** What the watches have not told yet. */
  hear(): void;
  /** One reconciliation. Default: of the first object. */
  reconcile(key?: string): Promise<void>;
  /** What it is to look at, and when, in elapsed milliseconds. */
  due(): readonly { readonly key: string; readonly at: number }[];
  /** Has every group of its inventory listed now. */
  inventory(): Promise<void>;
  /** Its process ends, and another one of the same release begins. */
  restart(): void;
}

/** Two releases on the same servers: one without a shard, and one of the shard `b`. */
export class Shards extends Surroundings {
  readonly none: Release;
  readonly b: Release;
  readonly #ears: ((event: ApiEvent) => void)[];

  constructor() {
    const ears: ((event: ApiEvent) => void)[] = [];
    super((event) => {
      for (const ear of ears) ear(event);
    });
    this.#ears = ears;
    this.none = this.#release(undefined);
    this.b = this.#release('b');
  }

  /** Another object of the same dynamic secret. */
  applySecond(shard: Shard): void {
    const metadata = { name: 'second', namespace: 'shop', labels: shardLabels(shard) };
    this.kube.create('leases', { metadata, spec: aSpec({ ttl: '1d' }) });
  }

  /** Gives the object another shard. */
  move(shard: string | null): void {
    this.kube.mergePatch('leases', KEY, { metadata: { labels: { [SHARD_LABEL]: shard } } });
  }

  /** Lets both work until only wake-ups are left that are more than `within` milliseconds ahead. */
  async settle(within = 0): Promise<void> {
    const until = this.clock.elapsed() + within;
    for (let passes = 0; passes < MOST_PASSES; passes += 1) {
      for (const one of [this.none, this.b]) one.hear();
      const due = [this.none, this.b].flatMap((release) => release.due().map((one) => ({ ...one, release })));
      const [first] = due.toSorted((one, other) => one.at - other.at);
      if (first === undefined || first.at > until) return;
      this.clock.advance(Math.max(first.at - this.clock.elapsed(), 0));
      await first.release.reconcile(first.key);
    }
    throw new Error(`After ${String(MOST_PASSES)} reconciliations there is still more to do.`);
  }

  /** The shard that the Secret's label names. */
  get secretShard(): string | undefined {
    return this.secret?.labels[SHARD_LABEL];
  }

  #release(shard: Shard): Release {
    const log = memoryLog();
    const telemetry = { ...log, ...countedMetrics(), ...rememberedEvents() };
    const { clock, kube, leases } = this;
    const heard: ApiEvent[] = [];
    const deafTo = new Set<Kind>();
    const begin = (): { process: Process; wire: Wire } => {
      const wire = new Wire();
      heard.splice(0);
      return { wire, process: startProcess({ clock, kube, leases, ...telemetry }, wire, shard) };
    };
    let { process, wire } = begin();
    let told = 0;
    this.#ears.push((event) => void heard.push(event));
    return {
      get parts() {
        return process.parts;
      },
      lines: log.lines,
      counts: telemetry.counts,
      deafTo,
      calls() {
        const fresh = wire.calls.slice(told);
        told = wire.calls.length;
        return fresh;
      },
      next: (name, ...fates) => wire.next(name, ...fates),
      hear() {
        const now = heard.splice(0);
        heard.push(...now.filter(({ kind }) => deafTo.has(kind)));
        for (const event of now) if (!deafTo.has(event.kind)) process.cluster.hear(event);
      },
      async reconcile(key = KEY) {
        const { waiting, wakeUps, parts } = process;
        waiting.delete(key);
        wakeUps.delete(key);
        const outcome = await reconcileLease(parts, key, new AbortController().signal);
        if (outcome.again !== undefined) wakeUps.set(key, clock.elapsed() + outcome.again);
      },
      due: () => [
        ...[...process.waiting].map((key) => ({ key, at: 0 })),
        ...[...process.wakeUps].map(([key, at]) => ({ key, at })),
      ],
      async inventory() {
        const { lists, inventory } = process;
        for (const group of Array.from(lists.keys()))
          await inventory.visit(group, new AbortController().signal);
      },
      restart() {
        wire.end();
        ({ process, wire } = begin());
        told = 0;
      },
    };
  }
}
