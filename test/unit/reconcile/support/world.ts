import type { ConnectionSpec } from '../../../../src/api/infisical-connection.ts';
import type { LeaseSpec } from '../../../../src/api/dynamic-secret-lease.ts';
import { links } from '../../../../src/reconcile/connection/links.ts';
import { link } from '../../../../src/reconcile/connection/link.ts';
import type { LeaseParts } from '../../../../src/reconcile/lease/context.ts';
import { memoryStore } from '../../../../src/reconcile/lease/memory.ts';
import { type LeaseOutcome, reconcileLease } from '../../../../src/reconcile/lease/reconciler.ts';
import type { LeaseRecord, SecretRecord } from '../../../../src/reconcile/ports.ts';
import { leaseRecord, secretRecord } from '../../../../src/reconcile/records.ts';
import { recordOf } from '../../../../src/secret/ownership.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { aSpec, HOST, MINUTE } from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';
import { type Line, memoryLog } from '../../kube/support/telemetry.ts';
import { type ApiEvent, type ApiObject, ApiServer } from './api-server.ts';
import { leaseClient } from './lease-client.ts';
import { LeaseServer } from './lease-server.ts';
import { type MemoryCluster, memoryCluster } from './memory-cluster.ts';
import { countedMetrics } from './telemetry.ts';
import { type CallName, type Death, type Fate, Wire } from './wire.ts';

export const KEY = 'shop/orders-db';
export const INSTALL = 'this-installation';
export const TARGET = { projectSlug: 'shop', environmentSlug: 'prod', path: '/', dynamicSecret: 'orders-postgres' };

/** The most reconciliations before a world counts as one that never comes to rest. */
const MOST_PASSES = 1000;

/** A process of the operator: everything that a crash takes away. */
interface Process {
  readonly wire: Wire;
  readonly cluster: MemoryCluster;
  readonly parts: LeaseParts;
  readonly waiting: Set<string>;
  /** Elapsed milliseconds by key. */
  readonly wakeUps: Map<string, number>;
}

/** The end of a process: what it had asked, and how many leases there had been by then. */
export interface Crash {
  readonly calls: readonly CallName[];
  readonly when: Death['when'] | undefined;
  readonly leases: number;
}

export interface WorldOptions {
  /** How the processes end, one after another; the last one does not. */
  readonly deaths?: readonly Death[];
}

/**
 * Two servers, the operator's reconciler between them, and time that stands still unless it is moved. A process that
 * ends is followed by another one with an empty memory.
 */
export class World {
  readonly clock = virtualClock();
  readonly kube: ApiServer;
  readonly leases: LeaseServer;
  readonly lines: readonly Line[];
  readonly counts: readonly string[];
  /** Whether the watches tell of events. */
  watching = true;
  readonly #events: ApiEvent[] = [];
  readonly #wires: Wire[] = [];
  readonly #deaths: Death[];
  readonly #crashes: Crash[] = [];
  readonly #telemetry = { ...memoryLog(), ...countedMetrics() };
  #process: Process;
  #told = 0;

  constructor({ deaths = [] }: WorldOptions = {}) {
    this.kube = new ApiServer(() => this.clock.wall(), (event) => void this.#events.push(event));
    this.leases = new LeaseServer(this.clock);
    this.lines = this.#telemetry.lines;
    this.counts = this.#telemetry.counts;
    this.#deaths = [...deaths];
    this.#process = this.#start();
  }

  // The processes

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
    const outcome = await Promise.race([running, wire.died.then(() => undefined)]);
    if (wire.dead) {
      this.#crashes.push({ calls: wire.calls, when: wire.death?.when, leases: this.leases.rows.length });
      this.#process = this.#start();
      return undefined;
    }
    if (outcome?.again !== undefined) wakeUps.set(key, this.clock.elapsed() + outcome.again);
    return outcome;
  }

  /** Lets the operator work until only a wake-up more than `within` milliseconds ahead is left, or none. */
  async settle(within: number = 5 * MINUTE): Promise<void> {
    const until = this.clock.elapsed() + within;
    for (let passes = 0; passes < MOST_PASSES; passes += 1) {
      this.tell();
      const key = this.#nextKey(until);
      if (key === undefined) return;
      this.#process.waiting.delete(key);
      await this.reconcile(key);
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

  #nextKey(until: number): string | undefined {
    const { waiting, wakeUps } = this.#process;
    const [key] = waiting;
    if (key !== undefined) return key;
    const [next] = [...wakeUps].toSorted(([, one], [, other]) => one - other);
    if (next === undefined || next[1] > until) return undefined;
    this.clock.advance(next[1] - this.clock.elapsed());
    return next[0];
  }

  #start(): Process {
    const { clock, kube } = this;
    const wire = new Wire(this.#deaths.shift());
    this.#wires.push(wire);
    const cluster = memoryCluster(kube, wire, () => clock.wall());
    this.#events.splice(0);
    const allLinks = links(
      (_connection, identity) =>
        link({ identity, client: leaseClient(this.leases, wire), clock, timing: standardTiming }),
      {
        connections: (namespace) => cluster.connections.inNamespace(namespace),
        hasLeases: (namespace) => cluster.leases.inNamespace(namespace).length > 0,
      },
    );
    const { log, metrics } = this.#telemetry;
    const memories = memoryStore();
    const waiting = new Set([...cluster.stores.leases.values()].map((lease) => lease.key));
    const enqueueAll = (): void => {
      for (const lease of cluster.stores.leases.values()) waiting.add(lease.key);
    };
    cluster.stores.leases.subscribe((key) => void waiting.add(key));
    cluster.stores.connections.subscribe(enqueueAll);
    cluster.stores.secrets.subscribe(enqueueAll);
    const parts = { cluster, links: allLinks, memories, clock, timing: standardTiming, log, metrics, install: INSTALL };
    return { wire, cluster, parts, waiting, wakeUps: new Map() };
  }

  // What people do

  /** Makes the connection `infisical`. */
  connect(spec: Partial<ConnectionSpec> = {}, name = 'infisical'): void {
    this.kube.create('connections', {
      metadata: { name, namespace: 'shop' },
      spec: { hostAPI: `${HOST}/api`, auth: { token: { secretKeyRef: { name: 'identity', key: 'token' } } }, ...spec },
    });
  }

  apply(spec: Partial<LeaseSpec> = {}, finalizers: readonly string[] = []): void {
    const metadata = { name: 'orders-db', namespace: 'shop', ...(finalizers.length > 0 ? { finalizers } : {}) };
    this.kube.create('leases', { metadata, spec: aSpec(spec) });
  }

  edit(spec: Partial<LeaseSpec>): void {
    this.kube.mergePatch('leases', KEY, { spec });
  }

  delete(): void {
    this.kube.delete('leases', KEY);
  }

  /** Somebody else's hand on the Secret: its labels and annotations. */
  touchSecret(metadata: { labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>> }): void {
    this.kube.mergePatch('secrets', KEY, { metadata });
  }

  /** Somebody revokes a lease on the server, by its number. */
  revokeElsewhere(number: number): void {
    const row = this.leases.rows[number - 1];
    if (row !== undefined) this.leases.revoke(row.lease.id, row.target);
  }

  // What is there, on the servers

  get object(): LeaseRecord | undefined {
    const found = this.kube.find('leases', KEY);
    return found === undefined ? undefined : leaseRecord(found);
  }

  get status(): LeaseRecord['status'] {
    return this.object?.status ?? {};
  }

  /** A condition as "True LeaseActive". */
  condition(type: 'Ready' | 'Reconciling' | 'Stalled'): string | undefined {
    const found = this.status.conditions?.find((one) => one.type === type);
    return found === undefined ? undefined : `${found.status} ${found.reason}`;
  }

  get rawSecret(): ApiObject | undefined {
    return this.kube.find('secrets', KEY);
  }

  get secret(): SecretRecord | undefined {
    return this.rawSecret === undefined ? undefined : secretRecord(this.rawSecret);
  }

  get record(): ReturnType<typeof recordOf> {
    return this.secret === undefined ? undefined : recordOf(this.secret);
  }

  /** The password that pods read. */
  get password(): string {
    return Buffer.from(this.rawSecret?.data?.['DB_PASSWORD'] ?? '', 'base64').toString();
  }

  /** Numbers of the leases that live: the first one made is 1. */
  get live(): readonly number[] {
    return this.leases.live.map(numberOf);
  }

  /** The number of the lease that the Secret names. */
  get named(): number | undefined {
    const { record } = this;
    return record === undefined ? undefined : numberOf(record.lease.id);
  }

  /** Ids of the leases that live and that neither Secret nor status names. */
  get unnamed(): readonly string[] {
    const { status, record } = this;
    const refs = [status.lease, ...(status.retiring ?? []), record?.lease, ...(record?.previous ?? [])];
    const ids = new Set(refs.map((ref) => ref?.id));
    return this.leases.live.filter((id) => !ids.has(id));
  }
}

function numberOf(id: string): number {
  return Number(id.slice(-12));
}
