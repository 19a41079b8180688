import { z } from 'zod';

import { connectionFinalizerOf, shardSelector, type Shard } from '../api/shard.ts';
import { objectMeta, type ObjectMeta } from '../api/object.ts';
import { sleep, type Clock } from '../clock.ts';
import { isNotFound, KubeError } from '../kube/kube-error.ts';
import { resource, type KubeResource } from '../kube/resource.ts';
import { listPages, snapshot } from '../kube/snapshot.ts';
import type { Transport } from '../kube/transport.ts';
import {
  clusterConnectionType,
  connectionType,
  dynamicSecretType,
  leaseType,
  type WatchedStores,
} from '../reconcile/cluster.ts';
import type { DynamicSecretRecord, LeaseRecord } from '../reconcile/ports.ts';
import { ownSecrets, secretType } from '../reconcile/secrets/watched.ts';
import type { Timing } from '../timing.ts';
import { whatIsLeft, type Left } from './left.ts';

export interface DrainOptions {
  readonly transport: Transport;
  /** Watches the same namespaces. */
  readonly cluster: {
    readonly stores: Pick<WatchedStores, 'leases' | 'dynamicSecrets' | 'secrets'>;
    synced(): Promise<void>;
  };
  /** Only these namespaces; undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  /** Only what is of this shard. Default: of none. */
  readonly shard?: Shard;
  /** No Secret may be listed: only those that this process has come to know are waited for. Default: no. */
  readonly strict?: boolean;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'drainLook'>;
  /** Milliseconds after which it gives up. */
  readonly timeout: number;
  /** Takes one line for a person. */
  readonly print: (line: string) => void;
  /** Gives up at once. */
  readonly stop: AbortSignal;
}

/**
 * Empties the cluster before an uninstall: asks for the deletion of every DynamicSecretLease in scope, then of every
 * DynamicSecret, and waits until whoever leads has revoked and removed, until no connection is held, and until no Secret
 * of ours is left.
 *
 * @returns the exit code: 0 when nothing is left, 1 when something is, which has been told with its reason.
 */
export async function drain(options: DrainOptions): Promise<number> {
  const { cluster, clock, timing, timeout, print, stop } = options;
  const until = clock.elapsed() + timeout;
  const synced = cluster.synced().then(() => true);
  if (!(await Promise.race([synced, sleep(clock, timeout, stop).catch(() => false)]))) {
    print('The Kubernetes API did not show what there is; nothing was asked for.');
    return 1;
  }
  const story = teller(print);
  const view = looking(options, story);
  let trouble: string | undefined;
  while (!stop.aborted && clock.elapsed() < until) {
    try {
      const seen = await view.look();
      trouble = seen === 'unseen' ? 'A list shows what no watch has shown yet.' : undefined;
      if (seen === 'nothing') {
        story.tell([]);
        print(`Nothing is left. ${story.summary()}`);
        return 0;
      }
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      trouble = `The Kubernetes API could not be asked (${error.reason}).`;
    }
    story.tell(view.present());
    await sleep(clock, Math.min(timing.drainLook, until - clock.elapsed()), stop).catch(() => undefined);
  }
  print(`${stop.aborted ? 'Stopped.' : 'Time is up.'} ${story.summary()}`);
  listLeft(view.present(), trouble, print);
  return 1;
}

function listLeft(left: readonly Left[], trouble: string | undefined, print: DrainOptions['print']): void {
  if (trouble !== undefined) print(trouble);
  print(`Left: ${String(left.length)}.`);
  for (const { kind, key, why } of left) print(`  ${kind} ${key}: ${why}`);
}

interface Looking {
  /** Asks for deletions that are not asked for yet. `unseen`: something is left that the watches do not show. */
  look(): Promise<'nothing' | 'something' | 'unseen'>;
  present(): readonly Left[];
}

function looking(options: DrainOptions, story: Story): Looking {
  const { transport, cluster, namespaces, shard, strict = false, stop } = options;
  const kinds = resources(transport);
  const { stores } = cluster;
  const asked = new Set<string>();
  const refusals = new Map<string, string>();
  let heldConnections: readonly string[] = [];

  const present = (): readonly Left[] =>
    whatIsLeft({
      leases: stores.leases.values(),
      dynamicSecrets: stores.dynamicSecrets.values(),
      heldConnections,
      secrets: stores.secrets.values(),
      refusals,
    });

  async function askToGo(
    kind: 'DynamicSecretLease' | 'DynamicSecret',
    { key, namespace, name, uid }: LeaseRecord | DynamicSecretRecord,
  ): Promise<void> {
    const type = kind === 'DynamicSecretLease' ? kinds.leases : kinds.dynamicSecrets;
    const object = `${kind} ${key}`;
    try {
      await type.delete({ namespace, name }, { uid });
      asked.add(uid);
      refusals.delete(object);
      story.asked(kind, key);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (!isNotFound(error)) refusals.set(object, `Its deletion was refused (${error.reason}).`);
    }
  }

  /** Leases first: what they are of must not go before they are revoked, nor keep them waiting. */
  async function askAll(): Promise<void> {
    for (const lease of stores.leases.values()) {
      if (stop.aborted) return;
      if (lease.deletedAt === undefined && !asked.has(lease.uid)) await askToGo('DynamicSecretLease', lease);
    }
    if (stores.leases.size > 0) return;
    // What is gone is told before anything is asked that waited for it.
    story.tell(present());
    for (const declared of stores.dynamicSecrets.values()) {
      if (stop.aborted) return;
      if (declared.deletedAt === undefined && !asked.has(declared.uid))
        await askToGo('DynamicSecret', declared);
    }
  }

  async function look(): Promise<'nothing' | 'something' | 'unseen'> {
    await askAll();
    const connections = [
      ...(await listed(kinds.connections, namespaces)),
      ...(namespaces === undefined ? await listed(kinds.clusterConnections, namespaces) : []),
    ];
    heldConnections = connections
      .filter(({ finalizers }) => finalizers.includes(connectionFinalizerOf(shard)))
      .map(({ key }) => key);
    if (present().length > 0) return 'something';
    // The watches may lag: the API server itself has the last word.
    const leases = await listed(kinds.leases, namespaces, shardSelector(shard));
    const declared = await listed(kinds.dynamicSecrets, namespaces, shardSelector(shard));
    const secrets = strict ? [] : await listed(kinds.secrets, namespaces, ownSecrets(shard));
    return leases.length + declared.length + secrets.length > 0 ? 'unseen' : 'nothing';
  }

  return { look, present };
}

function resources(
  transport: Transport,
): Readonly<
  Record<'leases' | 'dynamicSecrets' | 'connections' | 'clusterConnections' | 'secrets', KubeResource>
> {
  return {
    dynamicSecrets: resource(transport, dynamicSecretType),
    leases: resource(transport, leaseType),
    connections: resource(transport, connectionType),
    clusterConnections: resource(transport, clusterConnectionType),
    secrets: resource(transport, secretType),
  };
}

interface Found {
  readonly key: string;
  readonly finalizers: readonly string[];
}

/** What a live list shows. */
async function listed(
  kind: KubeResource,
  namespaces: readonly string[] | undefined,
  labelSelector?: string,
): Promise<readonly Found[]> {
  const found = snapshot(({ key }, raw): Found => ({ key, finalizers: metadataOf(raw).finalizers }));
  for (const namespace of namespaces ?? [undefined])
    await listPages(kind, { namespace, labelSelector, metadataOnly: true }, found);
  return [...found.records];
}

const withMetadata = z.object({ metadata: objectMeta });

function metadataOf(raw: unknown): ObjectMeta {
  return withMetadata.parse(raw).metadata;
}

interface Story {
  asked(kind: 'DynamicSecretLease' | 'DynamicSecret', key: string): void;
  tell(left: readonly Left[]): void;
  summary(): string;
}

/** Tells of each object what is new about it, and counts. */
function teller(print: (line: string) => void): Story {
  const told = new Map<string, Left>();
  const gone = { DynamicSecretLease: 0, DynamicSecret: 0 };
  return {
    asked(kind, key) {
      const one: Left = { kind, key, why: 'Its deletion is asked for.' };
      told.set(`${one.kind} ${key}`, one);
      print(`${one.kind} ${key}: ${one.why}`);
    },
    tell(left) {
      const now = new Map(left.map((one) => [`${one.kind} ${one.key}`, one]));
      for (const [object, one] of now) {
        if (told.get(object)?.why !== one.why) print(`${object}: ${one.why}`);
        told.set(object, one);
      }
      for (const [object, { kind }] of [...told].filter(([one]) => !now.has(one))) {
        told.delete(object);
        if (kind === 'DynamicSecretLease' || kind === 'DynamicSecret') gone[kind] += 1;
        print(`${object}: ${kind.endsWith('InfisicalConnection') ? 'No longer needed.' : 'Gone.'}`);
      }
    },
    summary() {
      const leases = `DynamicSecretLeases gone: ${String(gone.DynamicSecretLease)}.`;
      return gone.DynamicSecret === 0
        ? leases
        : `${leases} DynamicSecrets gone: ${String(gone.DynamicSecret)}.`;
    },
  };
}
