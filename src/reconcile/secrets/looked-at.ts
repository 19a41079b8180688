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

/**
 * Observes Secrets without any right to read them: each that is known is looked at once in an interval, spread over it. What
 * was written before this process began becomes known when its object is first looked at.
 */
export function lookAtSecrets(options: ObserveOptions): ObservedSecrets {
  const { transport, shard, log, mayWrite } = options;
  const store = fedStore<SecretRecord, 'byOwner'>({
    indexes: secretIndexes,
    buries: false,
    onSubscriberError: (error) =>
      log.error('A subscriber of the looks at Secrets failed; they go on.', {
        error: error instanceof Error ? error.name : typeof error,
      }),
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
    ended: keepLooking(options, secrets, () => [...store.values()].map(({ key }) => key)),
  };
}

/** Round after round, until the signal says so. */
async function keepLooking(
  options: ObserveOptions,
  secrets: Pick<SecretResource, 'look'>,
  known: () => readonly string[],
): Promise<void> {
  const { signal, log } = options;
  try {
    while (!signal.aborted) await round(options, secrets, known());
  } catch (error) {
    if (!signal.aborted) log.error('The looks at Secrets have ended.', { error: nameOf(error) });
  }
}

/** One look at each, spread over the interval. A process that does not lead has nothing to look for. */
async function round(
  { clock, timing, signal, mayWrite = () => true }: ObserveOptions,
  secrets: Pick<SecretResource, 'look'>,
  keys: readonly string[],
): Promise<void> {
  const pause = timing.secretLookInterval / Math.max(keys.length, 1);
  if (keys.length === 0) await sleep(clock, pause, signal);
  for (const key of keys) {
    await sleep(clock, pause, signal);
    if (mayWrite()) await look(secrets, key);
  }
}

/** Where nobody answers, the next round does. */
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
