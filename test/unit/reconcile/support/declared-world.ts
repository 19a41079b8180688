import type { Condition } from '../../../../src/api/condition.ts';
import type { LeaseRef, Target } from '../../../../src/api/lease.ts';
import { DYNAMIC_SECRET_FINALIZER } from '../../../../src/api/names.ts';
import { link } from '../../../../src/reconcile/connection/link.ts';
import { links } from '../../../../src/reconcile/connection/links.ts';
import type { DynamicSecretParts } from '../../../../src/reconcile/dynamic-secret/context.ts';
import {
  dynamicSecretMemories,
  type DynamicSecretMemories,
} from '../../../../src/reconcile/dynamic-secret/memory.ts';
import {
  type DynamicSecretOutcome,
  reconcileDynamicSecret,
} from '../../../../src/reconcile/dynamic-secret/reconciler.ts';
import type { DynamicSecretRecord } from '../../../../src/reconcile/ports.ts';
import { dynamicSecretRecord } from '../../../../src/reconcile/records.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { HOST, MINUTE } from '../../../support/builders.ts';
import { virtualClock } from '../../../support/virtual-clock.ts';
import { type Line, memoryLog } from '../../kube/support/telemetry.ts';
import { type ApiEvent, ApiServer } from './api-server.ts';
import type { DeclaredRow } from './declared-store.ts';
import { leaseClient } from './lease-client.ts';
import { LeaseServer } from './lease-server.ts';
import { type MemoryCluster, memoryCluster } from './memory-cluster.ts';
import { countedMetrics, rememberedEvents } from './telemetry.ts';
import { type CallName, type Death, type Fate, type Requests, Wire } from './wire.ts';

export const KEY = 'shop/orders';
export const TARGET: Target = {
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  dynamicSecret: 'orders-postgres',
};

/** The same place by another name. */
export function named(dynamicSecret: string): Target {
  return { ...TARGET, dynamicSecret };
}

const spec = {
  connectionRef: { kind: 'InfisicalConnection', name: 'infisical' },
  name: TARGET.dynamicSecret,
  projectSlug: 'shop',
  environmentSlug: 'prod',
  path: '/',
  defaultTTL: '1h',
  provider: {
    type: 'sql-database',
    inputs: {
      client: 'postgres',
      host: 'db.example.com',
      port: 5432,
      database: 'orders',
      username: 'admin',
      creationStatement: "CREATE ROLE {{username}} LOGIN PASSWORD '{{password}}';",
      revocationStatement: 'DROP ROLE {{username}};',
    },
  },
  inputsFrom: [{ input: 'password', secretKeyRef: { name: 'admin', key: 'password' } }],
};

/** The most requests of one reconciliation before it counts as one that runs in a circle. */
const MOST_CALLS = 40;

/** The most reconciliations before a world counts as one that never comes to rest. */
const MOST_PASSES = 1000;

interface Process {
  readonly wire: Wire;
  readonly cluster: MemoryCluster;
  readonly parts: DynamicSecretParts & { readonly memories: DynamicSecretMemories };
  waiting: boolean;
  wakeUp: number | undefined;
}

/** One DynamicSecret between its two servers. A process that ends is followed by another one with an empty memory. */
export class DeclaredWorld {
  readonly clock = virtualClock();
  readonly server = new LeaseServer(this.clock);
  readonly kube: ApiServer;
  readonly lines: readonly Line[];
  readonly counts: readonly string[];
  /** The Kubernetes events. */
  readonly told: readonly string[];
  /** What each process that ended by itself had asked. */
  readonly crashes: (readonly CallName[])[] = [];
  /** How long each answer of the lease API takes, in milliseconds. */
  latency = 0;
  /** Whether the watches tell what happens. */
  watching = true;
  readonly #events: ApiEvent[] = [];
  readonly #telemetry = { ...memoryLog(), ...countedMetrics(), ...rememberedEvents() };
  readonly #wires: Wire[] = [];
  readonly #deaths: Death[];
  #process: Process;
  #told = 0;
  #namespaces = 0;

  /** @param deaths how the processes end, one after another; the last one does not. */
  constructor(deaths: readonly Death[] = []) {
    this.kube = new ApiServer(
      () => this.clock.wall(),
      (event) => void this.#events.push(event),
    );
    this.server.names = 'declared';
    this.lines = this.#telemetry.lines;
    this.counts = this.#telemetry.counts;
    this.told = this.#telemetry.told;
    this.#deaths = [...deaths];
    this.#process = this.#start();
  }

  // What people do

  connect(): void {
    const auth = { token: { secretKeyRef: { name: 'identity', key: 'token' } } };
    const metadata = { name: 'infisical', namespace: 'shop' };
    this.kube.create('connections', { metadata, spec: { hostAPI: `${HOST}/api`, auth } });
  }

  /** Puts the admin's password into its Secret, and tells the operator as the watch of the Secret does. */
  keep(password: string): void {
    const data = { password: Buffer.from(password).toString('base64') };
    const metadata = { name: 'admin', namespace: 'shop' };
    if (this.kube.find('secrets', 'shop/admin') === undefined)
      this.kube.create('secrets', { metadata, data });
    else this.kube.mergePatch('secrets', 'shop/admin', { data });
    this.suspect();
  }

  suspect(): void {
    const { uid } = this.object ?? {};
    if (uid === undefined) return;
    this.#process.parts.memories.suspect(uid);
    this.#process.waiting = true;
  }

  apply(changes: object = {}, finalizers: readonly string[] = []): void {
    const metadata = { name: 'orders', namespace: 'shop', finalizers };
    this.kube.create('dynamicSecrets', { metadata, spec: { ...spec, ...changes } });
  }

  edit(changes: object): void {
    this.kube.mergePatch('dynamicSecrets', KEY, { spec: changes });
  }

  annotate(annotations: Readonly<Record<string, string>>): void {
    this.kube.mergePatch('dynamicSecrets', KEY, { metadata: { annotations } });
  }

  delete(): void {
    this.kube.delete('dynamicSecrets', KEY);
  }

  /** A DynamicSecretLease refers to it; with a finalizer it stays when it is deleted. */
  refer(name: string, finalizers: readonly string[] = [], declared = 'orders'): void {
    const metadata = { name, namespace: 'shop', finalizers };
    this.kube.create('leases', { metadata, spec: { dynamicSecretRef: { name: declared } } });
    this.#process.waiting = true;
  }

  /** A DynamicSecretLease has this lease. */
  lend(name: string, lease: LeaseRef): void {
    this.kube.mergePatch('leases', `shop/${name}`, { status: { lease } }, 'status');
  }

  /** The namespace is there, or is being deleted. */
  namespace(terminating: boolean): void {
    this.#namespaces += 1;
    const record = { key: 'shop', uid: 'shop', labels: {}, terminating };
    const { namespaces } = this.#process.cluster.stores;
    namespaces.apply({ ...record, resourceVersion: String(this.#namespaces) });
    this.#process.waiting = true;
  }

  // What is there

  get object(): DynamicSecretRecord | undefined {
    const found = this.kube.find('dynamicSecrets', KEY);
    return found === undefined ? undefined : dynamicSecretRecord(found);
  }

  get status(): DynamicSecretRecord['status'] {
    return this.object?.status ?? {};
  }

  get isHeld(): boolean {
    return this.object?.finalizers.includes(DYNAMIC_SECRET_FINALIZER) ?? false;
  }

  find(type: 'Ready' | 'Reconciling' | 'Stalled'): Condition | undefined {
    return this.status.conditions?.find((one) => one.type === type);
  }

  /** A condition as "True Declared". */
  condition(type: 'Ready' | 'Reconciling' | 'Stalled'): string {
    const found = this.find(type);
    return `${found?.status ?? 'no'} ${found?.reason ?? 'word'}`;
  }

  /** What the server has. */
  get rows(): readonly DeclaredRow[] {
    return this.server.declared.rows;
  }

  get names(): readonly string[] {
    return this.rows.map(({ target }) => target.dynamicSecret);
  }

  // What happens

  next(name: CallName, ...fates: readonly Fate[]): void {
    this.#process.wire.next(name, ...fates);
  }

  always(name: CallName, fate: Fate): void {
    this.#process.wire.always(name, fate);
  }

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

  restart(): void {
    this.#process.wire.end();
    this.#process = this.#start();
  }

  /** One reconciliation. The watches tell nothing before it ends. */
  async reconcile(): Promise<DynamicSecretOutcome | undefined> {
    const process = this.#process;
    const { wire, parts } = process;
    process.wakeUp = undefined;
    process.waiting = false;
    const before = wire.calls.length;
    const running = reconcileDynamicSecret(parts, KEY, new AbortController().signal);
    const outcome = await Promise.race([running, wire.died.then(() => undefined)]);
    const calls = wire.calls.slice(before);
    if (calls.length > MOST_CALLS) throw new Error(`It runs in a circle: ${calls.join(', ')}`);
    if (wire.dead) {
      this.crashes.push(wire.calls);
      this.#process = this.#start();
      return undefined;
    }
    if (outcome?.again !== undefined) process.wakeUp = this.clock.elapsed() + outcome.again;
    return outcome;
  }

  /** Lets the operator work until only a wake-up more than `within` milliseconds ahead is left, or none; or until it `isOver`. */
  async settle(within: number = MINUTE, isOver: () => boolean = () => false): Promise<void> {
    const until = this.clock.elapsed() + within;
    for (let passes = 0; passes < MOST_PASSES; passes += 1) {
      if (this.watching) this.#hear();
      const { waiting, wakeUp = Infinity } = this.#process;
      const next = waiting ? 0 : wakeUp;
      if (isOver() || next > until) return;
      this.clock.advance(Math.max(next - this.clock.elapsed(), 0));
      await this.reconcile();
    }
    throw new Error(`After ${String(MOST_PASSES)} reconciliations there is still more to do.`);
  }

  /** Lets the operator work for so long. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.elapsed() + ms;
    await this.settle(ms);
    this.clock.advance(until - this.clock.elapsed());
  }

  #hear(): void {
    for (const event of this.#events.splice(0)) this.#process.cluster.hear(event);
  }

  #slow(wire: Wire): Requests {
    return {
      call: async (name, run) => {
        try {
          return await wire.call(name, run);
        } finally {
          this.clock.advance(this.latency);
        }
      },
    };
  }

  #start(): Process {
    const wire = new Wire(this.#deaths.shift());
    this.#wires.push(wire);
    this.#events.splice(0);
    const { clock, kube, server } = this;
    const { log, metrics, events } = this.#telemetry;
    const cluster = memoryCluster(kube, wire, () => clock.wall());
    const allLinks = links(
      (_connection, identity) =>
        link({ identity, client: leaseClient(server, this.#slow(wire)), clock, timing: standardTiming }),
      {
        connections: (namespace) => cluster.connections.inNamespace(namespace),
        hasUsers: (namespace) => cluster.dynamicSecrets.inNamespace(namespace).length > 0,
      },
    );
    const parts = {
      cluster,
      clock,
      log,
      metrics,
      events,
      links: allLinks,
      memories: dynamicSecretMemories(),
      timing: standardTiming,
    };
    const process: Process = { wire, cluster, parts, waiting: true, wakeUp: undefined };
    const wake = (): void => void (process.waiting = true);
    cluster.stores.dynamicSecrets.subscribe((_key, before, left) => {
      wake();
      if (before !== undefined && left === undefined) parts.memories.forget(before.uid);
    });
    cluster.stores.leases.subscribe(wake);
    cluster.stores.connections.subscribe((key, _before, left) => {
      if (left === undefined) allLinks.drop(key);
      wake();
    });
    return process;
  }
}
