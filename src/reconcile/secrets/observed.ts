import type { Shard } from '../../api/shard.ts';
import type { Clock } from '../../clock.ts';
import type { Store } from '../../kube/store.ts';
import type { Transport } from '../../kube/transport.ts';
import type { Log, Metrics } from '../../telemetry.ts';
import type { Timing } from '../../timing.ts';
import type { SecretRecord, SecretResource } from '../ports.ts';

/** The Secrets of a shard, and what keeps the view of them up to date: chosen once, at the start. */
export interface ObservedSecrets {
  readonly store: Store<SecretRecord, 'byOwner'>;
  readonly resource: SecretResource;
  /** Whether all that the view begins with is there. */
  readonly hasSynced: boolean;
  synced(): Promise<void>;
  /** Resolves when nothing is observed any more. */
  readonly ended: Promise<unknown>;
}

export interface ObserveOptions {
  readonly transport: Transport;
  /** Only these namespaces; undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly shard: Shard;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  /** Whether this process leads: asked right before each write is sent. */
  readonly mayWrite?: (() => boolean) | undefined;
}
