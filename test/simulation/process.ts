import { LONGEST_TIMER, type Clock } from '../../src/clock.ts';
import { memoryStore, type MemoryStore } from '../../src/reconcile/lease/memory.ts';
import { startOperator, type Operator } from '../../src/reconcile/operator.ts';
import type { Events, Log, LogFields, Metrics } from '../../src/telemetry.ts';
import { standardTiming } from '../../src/timing.ts';
import type { ApiEvent, ApiServer } from '../unit/reconcile/support/api-server.ts';
import { leaseClient } from '../unit/reconcile/support/lease-client.ts';
import { memoryCluster, type MemoryCluster } from '../unit/reconcile/support/memory-cluster.ts';
import { countedMetrics } from '../unit/reconcile/support/telemetry.ts';
import { referrersIn } from '../../src/reconcile/references/referrers.ts';
import { watchReferences, type ReferenceWatches } from '../../src/reconcile/references/reference-watches.ts';
import { declaredCalls } from './declared/client.ts';
import type { DeclaredServer } from './declared/server.ts';
import type { Actor, ObservedLeaseServer } from './ledger.ts';
import type { Fleet } from './pods/fleet.ts';
import type { Random } from './random.ts';
import { ReferenceStreams } from './references.ts';
import { type History, KindWatch, kinds } from './watches.ts';
import { type Caller, type Death, SimulatedWire, type WireParts } from './wire.ts';

export interface ProcessParts extends WireParts {
  readonly kube: ApiServer;
  readonly leases: ObservedLeaseServer;
  /** Undefined: nobody declares dynamic secrets. Its chance is drawn apart. */
  readonly declared: { readonly server: DeclaredServer; readonly random: Random } | undefined;
  /** Undefined: nothing runs in the cluster. */
  readonly fleet: Fleet | undefined;
  readonly history: History;
  readonly kubeNow: () => number;
  readonly lateness: number;
  readonly workers: number;
  readonly note: (who: string, what: string) => void;
  /** Everything that is said in words: log lines, events. */
  readonly said: (process: OperatorProcess, text: string) => void;
  /** Every number that is counted, as a word. */
  readonly counted: (process: OperatorProcess, word: string) => void;
  readonly ended: (process: OperatorProcess, why: string) => void;
}

export interface ProcessOptions {
  readonly name: string;
  /** When it ends by itself. */
  readonly death?: Death | undefined;
  /** How many events ago its first lists were true. */
  readonly listAge: number;
}

/** How long events may take until a process has seen all that there was when it began to lead, in milliseconds. */
const LEARNING = 60_000;

/** Namespace of the operator itself. */
const HOME = 'leaseholder-system';

/** How long a leader may go on without renewing, and after which time another may take its place. */
export const RENEW_DEADLINE = 10_000;

/** One process of the operator: its clock, its view of the cluster, what it remembers; and that it can stop or end at any moment. */
export class OperatorProcess implements Actor, Caller {
  readonly name: string;
  readonly isOperator = true;
  readonly memories: MemoryStore;
  readonly wire: SimulatedWire;
  readonly clock: Clock;
  /** What its watches wait for, in simulated milliseconds. */
  frozenUntil = 0;
  /** Until when it may believe that it leads; undefined: it does not. */
  leadsUntil: number | undefined;
  readonly #parts: ProcessParts;
  readonly #cluster: MemoryCluster;
  readonly #watches: readonly KindWatch[];
  readonly #stop = new AbortController();
  readonly #references: ReferenceStreams | undefined;
  #operator: Operator | undefined;
  #watched: ReferenceWatches | undefined;
  #suspendedUntil = 0;
  #ledSince = Infinity;
  #alive = true;

  constructor(parts: ProcessParts, { name, death, listAge }: ProcessOptions) {
    const { time, random, history, kube } = parts;
    this.name = name;
    this.#parts = parts;
    this.wire = new SimulatedWire(parts, this, death);
    this.clock = this.#makeClock(random.fork());
    this.memories = memoryStore(this.clock, standardTiming);
    const cluster = memoryCluster(kube, this.wire, parts.kubeNow, history.listing(kube, listAge));
    const { fleet } = parts;
    this.#cluster = fleet === undefined ? cluster : { ...cluster, workloads: fleet.resource(this.wire) };
    const position = Math.max(history.events.length - listAge, 0);
    const watchParts = {
      time,
      random: random.fork(),
      history,
      server: kube,
      cluster: this.#cluster,
      within: (act: () => void) => this.within(act),
      frozenUntil: () => this.frozenUntil,
      lateness: parts.lateness,
      note: (what: string) => parts.note(name, what),
    };
    const apart = parts.declared?.random.fork();
    this.#watches = kinds.flatMap((kind) => {
      if (kind !== 'dynamicSecrets') return [new KindWatch(watchParts, kind, position)];
      return apart === undefined ? [] : [new KindWatch({ ...watchParts, random: apart }, kind, position)];
    });
    if (apart !== undefined)
      this.#references = new ReferenceStreams({ ...watchParts, random: apart.fork(), clock: this.clock });
    this.stir();
  }

  get alive(): boolean {
    return this.#alive;
  }

  get knowsFrom(): number {
    return Math.max(this.#ledSince, this.frozenUntil) + LEARNING;
  }

  get acts(): boolean {
    return this.#alive && this.mayWrite();
  }

  get suspended(): boolean {
    return this.#suspendedUntil > this.#parts.time.now;
  }

  /** Its watches may have something to tell. */
  stir(): void {
    for (const watch of this.#watches) watch.stir();
  }

  /** Its watches of single objects may have something to tell. */
  hear(event: ApiEvent): void {
    this.#references?.hear(event);
  }

  mayWrite(): boolean {
    return this.leadsUntil !== undefined && this.#parts.time.now < this.leadsUntil;
  }

  /** It stands still; what happens meanwhile it learns afterwards. */
  suspend(until: number): void {
    this.#suspendedUntil = Math.max(this.#suspendedUntil, until);
  }

  within(act: () => void): void {
    if (!this.#alive) return;
    if (this.suspended) this.#parts.time.at(this.#suspendedUntil, () => this.within(act), false);
    else act();
  }

  end(why: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const watch of this.#watches) watch.end();
    void this.#watched?.close();
    this.#stop.abort();
    this.#parts.note(this.name, `ends: ${why}`);
    this.#parts.ended(this, why);
  }

  /** It has become the leader. */
  lead(): void {
    const { leases, declared, said } = this.#parts;
    this.leadsUntil = Infinity;
    this.#ledSince = this.#parts.time.now;
    this.#parts.note(this.name, 'leads');
    const log = logTo((text) => said(this, text));
    const common = { cluster: this.#cluster, clock: this.clock, timing: standardTiming, home: HOME, log };
    this.#operator = startOperator({
      ...common,
      metrics: metricsTo((word) => this.#parts.counted(this, word)),
      events: eventsTo((text) => said(this, text)),
      openClient: ({ namespace }, _identity, onSessionChange) => {
        const client = leaseClient(leases, this.wire, onSessionChange);
        if (declared === undefined) return client;
        return { ...client, ...declaredCalls(declared.server, this.wire, { actor: this, namespace }) };
      },
      memories: this.memories,
      mayWrite: () => this.mayWrite(),
      install: 'this-installation',
      workers: this.#parts.workers,
      signal: this.#stop.signal,
    });
    if (this.#references === undefined) return;
    const named = referrersIn(common, this.#operator);
    this.#watched = watchReferences({ ...common, referrers: named, open: this.#references.open });
  }

  /** It is asked to end: it delivers what it has in hand. */
  async drain(): Promise<void> {
    await this.#operator?.drain();
    this.end('drained');
  }

  #makeClock(random: Random): Clock {
    const { time } = this.#parts;
    const origin = random.between(0, 1e9);
    const began = time.now;
    const wall = random.between(0, 2e12);
    const elapsed = (): number => origin + time.now - began;
    return {
      elapsed,
      wall: () => wall + elapsed() * 1.5,
      after: (delay, callback) => {
        if (Number.isNaN(delay)) throw new RangeError('A timer needs a delay in milliseconds, not NaN.');
        let cancelled = false;
        const fire = (): void => {
          if (!cancelled) callback();
        };
        // As with Node's own timers none is shorter than a millisecond.
        const timer = time.after(Math.min(Math.max(delay, 1), LONGEST_TIMER), () => this.within(fire));
        return {
          cancel() {
            cancelled = true;
            timer.cancel();
          },
        };
      },
      random: () => random.next(),
      uuid: () => random.uuid(),
    };
  }
}

function logTo(say: (text: string) => void): Log {
  const make = (common: LogFields): Log => {
    const line = (message: string, fields?: LogFields): void =>
      say(`${message} ${JSON.stringify({ ...common, ...fields })}`);
    return {
      debug: line,
      info: line,
      warn: line,
      error: line,
      with: (fields) => make({ ...common, ...fields }),
    };
  };
  return make({});
}

function eventsTo(say: (text: string) => void): Events {
  return {
    warn: (about, reason, message) => say(`Event ${reason} ${about.namespace}/${about.name}: ${message}`),
    note: (about, reason, message) => say(`Event ${reason} ${about.namespace}/${about.name}: ${message}`),
  };
}

function metricsTo(count: (word: string) => void): Metrics {
  const { metrics } = countedMetrics();
  return {
    ...metrics,
    delivered: (result) => count(`delivered: ${result}`),
    requestSettled: (result) => count(`settled: ${result}`),
    revoked: (result) => count(`revoked: ${result}`),
    reconciled: (controller, result) => {
      if (result === 'crashed') count(`crashed: ${controller}`);
    },
  };
}
