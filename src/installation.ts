import { z } from 'zod';

import { sleep, type Clock } from './clock.ts';
import { isDefinite, KubeError } from './kube/kube-error.ts';
import { resource } from './kube/resource.ts';
import type { Transport } from './kube/transport.ts';
import type { Log } from './telemetry.ts';
import type { Timing } from './timing.ts';

export interface InstallationOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timing: Pick<Timing, 'kubeRequestDeadline' | 'watchBackoffBase'>;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** The operator cannot start; the message is a sentence for the person who starts it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

const namespaceMeta = z.object({ metadata: z.object({ uid: z.string() }) });

/**
 * The uid of kube-system: the same for as long as the cluster is, and no other's. Waits for the API server.
 *
 * @returns nothing to go by once `stop` is aborted.
 * @throws StartError when the right to read it is missing for good.
 */
export async function installationId(options: InstallationOptions): Promise<string> {
  const { transport, clock, timing, log, stop } = options;
  const type = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
  const namespaces = resource(transport, type);
  let refusedSince: number | undefined;
  for (;;) {
    try {
      const raw = await namespaces.get({ name: 'kube-system' }, { signal: stop });
      return namespaceMeta.parse(raw).metadata.uid;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (stop.aborted) return '';
      // An API server that was just started knows no roles yet: a refusal counts when it lasts, however long none answered.
      const now = clock.elapsed();
      refusedSince = isDefinite(error) ? (refusedSince ?? now) : undefined;
      if (now - (refusedSince ?? now) >= timing.kubeRequestDeadline)
        throw new StartError(unknownInstallation);
      log.warn('The Kubernetes API does not tell this installation; it is asked again.', {
        reason: error.reason,
      });
      await sleep(clock, timing.watchBackoffBase, stop).catch(() => undefined);
    }
  }
}

const unknownInstallation =
  'The operator may not read the namespace kube-system, whose uid tells installations apart. Grant its service account "get" on it, or give --installation-id.';
