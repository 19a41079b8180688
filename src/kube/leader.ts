import { sleep, type Clock, type Timer } from '../clock.ts';
import type { Log, Metrics } from '../telemetry.ts';
import type { Timing } from '../timing.ts';
import { deadline } from './deadline.ts';
import { freeAt, freeSpec, ownSpec, readHold, sighted, type Hold, type Sighting } from './hold.ts';
import { isAlreadyExists, isConflict, isNotFound, KubeError } from './kube-error.ts';
import type { KubeResource, ResourceType } from './resource.ts';

/** The kind that elections are held with. */
export const electionType: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  namespaced: true,
};

export interface ElectionOptions {
  /** Of {@link electionType}. */
  readonly leases: Pick<KubeResource, 'get' | 'create' | 'mergePatch'>;
  readonly namespace: string;
  readonly name: string;
  /** No other process may ever have the same. */
  readonly identity: string;
  /** This process does not stand before this is resolved: a leader must know its cluster. Default: at once. */
  readonly begin?: Promise<unknown>;
  readonly clock: Clock;
  readonly timing: Pick<
    Timing,
    'leaderLease' | 'leaderRenewDeadline' | 'leaderRetry' | 'leaderRequestDeadline'
  >;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'leading'>;
}

/** The part of one process in an election. It leads once at most: whoever lost the lead begins anew as a process. */
export interface Election {
  /**
   * Whether this process leads, by the clock alone: its last renewal that succeeded was begun less than
   * `leaderRenewDeadline` ago. False at once after a suspension, before any timer.
   */
  readonly leads: boolean;
  /** Resolves when this process leads; never, when it does not come to that. */
  acquired(): Promise<void>;
  /** Resolves when the lead is lost; never, when it is released. */
  readonly lost: Promise<void>;
  /**
   * Stands no longer, and lets the Lease go where it is ours, so that another may lead at once. Only for when nothing
   * is under way any more. Never rejects: a Lease that cannot be let go runs out.
   */
  release(): Promise<void>;
}

/** For a process that is the only one: it leads from the start, and asks nobody. */
export function unopposed(metrics: Pick<Metrics, 'leading'>): Election {
  metrics.leading(true);
  return {
    leads: true,
    acquired: () => Promise.resolve(),
    lost: new Promise(() => undefined),
    release: () => Promise.resolve(),
  };
}

/** Stands for election after the rules of client-go. */
export function startElection(options: ElectionOptions): Election {
  const { leases, namespace, name, identity, clock, timing, metrics } = options;
  const log = options.log.with({ election: `${namespace}/${name}` });
  const ending = new AbortController();
  const acquired = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  let phase: 'candidate' | 'leader' | 'ended' = 'candidate';
  let seen: Sighting | undefined;
  /** Elapsed milliseconds when the last renewal that succeeded was begun. */
  let renewedAt = -Infinity;
  let expiry: Timer | undefined;
  let said = '';

  const isFresh = (): boolean => clock.elapsed() - renewedAt < timing.leaderRenewDeadline;
  const leads = (): boolean => phase === 'leader' && isFresh();
  const isOurs = (): boolean => seen?.hold.holder === identity;

  function say(level: 'info' | 'warn', sentence: string, fields: { leader?: string; reason?: string }): void {
    const saying = `${sentence} ${fields.leader ?? ''}`;
    if (saying !== said) log[level](sentence, fields);
    said = saying;
  }

  function end(): void {
    phase = 'ended';
    expiry?.cancel();
    metrics.leading(false);
    ending.abort();
  }

  function lose(): void {
    if (phase !== 'leader') return;
    end();
    log.error('The lead was lost.', {});
    lost.resolve();
  }

  function watchExpiry(): void {
    expiry?.cancel();
    const left = renewedAt + timing.leaderRenewDeadline - clock.elapsed();
    expiry = clock.after(left, () => (isFresh() ? watchExpiry() : lose()));
  }

  function renewed(begun: number): void {
    // An answer that comes after the deadline is no renewal: others may have been told already that nobody leads here.
    if (phase === 'leader' && !isFresh()) lose();
    if (phase === 'ended') return;
    renewedAt = begun;
    if (!isFresh()) return;
    watchExpiry();
    if (phase === 'leader') return;
    phase = 'leader';
    metrics.leading(true);
    log.info('The lead was taken.', { identity });
    acquired.resolve();
  }

  const see = (raw: unknown): void => void (seen = sighted(seen, readHold(raw), clock.elapsed()));

  async function write(before: Hold, spec: object, signal: AbortSignal): Promise<void> {
    const { resourceVersion } = before;
    see(await leases.mergePatch({ namespace, name }, { metadata: { resourceVersion }, spec }, { signal }));
  }

  /** @returns whether there is a Lease. */
  async function look(signal: AbortSignal): Promise<boolean> {
    try {
      see(await leases.get({ namespace, name }, { signal }));
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return false;
    }
  }

  async function create(signal: AbortSignal): Promise<void> {
    const { apiVersion, kind } = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
    const spec = ownSpec(identity, undefined, clock.wall(), timing);
    try {
      see(
        await leases.create(namespace, { apiVersion, kind, metadata: { name, namespace }, spec }, { signal }),
      );
    } catch (error) {
      if (isNotFound(error)) throw new NamespaceMissing();
      throw error;
    }
  }

  /** Takes the Lease or renews it, unless another holds it. */
  async function take(signal: AbortSignal): Promise<void> {
    if (seen !== undefined && isOurs()) {
      try {
        await write(seen.hold, ownSpec(identity, seen.hold, clock.wall(), timing), signal);
        return;
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    if (!(await look(signal))) await create(signal);
    else if (seen !== undefined && (isOurs() || clock.elapsed() >= freeAt(seen, timing.leaderLease)))
      await write(seen.hold, ownSpec(identity, seen.hold, clock.wall(), timing), signal);
  }

  async function attempt(): Promise<void> {
    const begun = clock.elapsed();
    // After a suspension the lead is over, and no renewal is even tried.
    if (!isFresh()) lose();
    if (phase === 'ended') return;
    const limit = deadline(clock, timing.leaderRequestDeadline);
    try {
      await take(limit.signal);
      if (isOurs()) {
        said = '';
        renewed(begun);
      } else {
        lose();
        say('info', 'The operator follows; another one leads.', { leader: seen?.hold.holder ?? '' });
      }
    } catch (error) {
      const { sentence, reason } = explain(error);
      // Another was faster: the next look shows who.
      if (!isConflict(error) && !isAlreadyExists(error)) say('warn', sentence, { reason });
    } finally {
      limit.end();
    }
    if (!isFresh()) lose();
  }

  /** The end of another's hold is waited for exactly; otherwise attempts are spread. */
  function pause(): number {
    const usual = timing.leaderRetry * (1 + 0.2 * clock.random());
    if (seen === undefined || isOurs()) return usual;
    const left = freeAt(seen, timing.leaderLease) - clock.elapsed();
    return left > 0 ? Math.min(left, usual) : usual;
  }

  async function stand(): Promise<void> {
    const begun = Promise.resolve(options.begin).then(() => undefined, end);
    await Promise.race([begun, aborted(ending.signal)]);
    while (!ending.signal.aborted) {
      await attempt();
      await sleep(clock, pause(), ending.signal).catch(() => undefined);
    }
  }

  async function letGo(): Promise<void> {
    const limit = deadline(clock, timing.leaderRequestDeadline);
    try {
      if (seen !== undefined && isOurs()) await write(seen.hold, freeSpec(clock.wall()), limit.signal);
    } catch (error) {
      log.debug('The lead could not be released; it runs out.', { reason: explain(error).reason });
    } finally {
      limit.end();
    }
  }

  metrics.leading(false);
  const standing = stand();
  return {
    get leads() {
      return leads();
    },
    acquired: () => acquired.promise,
    lost: lost.promise,
    async release() {
      if (phase !== 'ended') end();
      await standing;
      await letGo();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

/** There is no namespace to keep the Lease in. */
class NamespaceMissing extends Error {
  override readonly name = 'NamespaceMissing';
}

function explain(error: unknown): { readonly sentence: string; readonly reason: string } {
  if (error instanceof NamespaceMissing) {
    return {
      sentence:
        'The namespace of the election does not exist. Create it, or name another with --leader-election-namespace.',
      reason: 'NotFound',
    };
  }
  if (error instanceof KubeError && error.status === 403) {
    return {
      sentence:
        'The operator may not take part in the election. Grant its service account "get", "create" and "patch" on leases.coordination.k8s.io in the namespace of the election.',
      reason: error.reason,
    };
  }
  const reason = error instanceof KubeError ? error.reason : 'UnexpectedAnswer';
  return { sentence: 'The election could not ask the Kubernetes API; it is tried again.', reason };
}
