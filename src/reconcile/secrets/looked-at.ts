import { sleep } from '../../clock.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { resource } from '../../kube/resource.ts';
import { fedStore } from '../../kube/store.ts';
import type { SecretRecord, SecretResource } from '../ports.ts';
import { secretIndexes } from '../indexes.ts';
import type { ObservedSecrets, ObserveOptions } from './observed.ts';
import { secretResource } from './resource.ts';
import { sightByTrying } from './sight.ts';
import { secretType } from './watched.ts';

/** One look a tenth of the interval at the least, so that what has just been written does not wait for two intervals. */
const LEAST_TURNS = 10;

/**
 * Observes Secrets without any right to read them: those that are known are looked at in turn, all of them in an interval. What
 * was written before this process began becomes known when its object is first looked at.
 */
export function lookAtSecrets(options: ObserveOptions): ObservedSecrets {
  const { transport, shard, log, mayWrite } = options;
  const store = fedStore<SecretRecord, 'byOwner'>({
    indexes: secretIndexes,
    buries: false,
    onSubscriberError: (error) =>
      log.error('A subscriber of the looks at Secrets failed; they go on.', { error: nameOf(error) }),
  });
  const type = resource(transport, secretType, mayWrite);
  // A look is no write: it needs no lead.
  const sight = sightByTrying(resource(transport, secretType));
  const secrets = secretResource({ type, sight, store, shard });
  return {
    store,
    resource: secrets,
    hasSynced: true,
    synced: () => Promise.resolve(),
    ended: keepLooking(options, secrets, turnsOf(store)),
  };
}

/** The keys of a store, the one that was looked at longest ago first. */
function turnsOf(store: ObservedSecrets['store']): Set<string> {
  const turns = new Set<string>();
  store.subscribe((key, _before, after) => {
    if (after === undefined) turns.delete(key);
    else turns.add(key);
  });
  return turns;
}

/** Look after look, until the signal says so. A process that does not lead has nothing to look for. */
async function keepLooking(
  { clock, timing, signal, log, mayWrite = () => true }: ObserveOptions,
  secrets: Pick<SecretResource, 'look'>,
  turns: Set<string>,
): Promise<void> {
  try {
    for (;;) {
      await sleep(clock, timing.secretLookInterval / Math.max(turns.size, LEAST_TURNS), signal);
      const [key] = turns;
      if (key === undefined || !mayWrite()) continue;
      turns.delete(key);
      turns.add(key);
      await look(secrets, key);
    }
  } catch (error) {
    if (!signal.aborted) log.error('The looks at Secrets have ended.', { error: nameOf(error) });
  }
}

/** Where nobody answers, the next turn tells. */
async function look(secrets: Pick<SecretResource, 'look'>, key: string): Promise<void> {
  try {
    await secrets.look(key);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
