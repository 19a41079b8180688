import { z } from 'zod';

import { KubeError } from '../../kube/kube-error.ts';
import { objectKey } from '../../kube/object-key.ts';
import { quietLog } from '../../kube/quiet-log.ts';
import { startReflector, type ReflectorOptions } from '../../kube/reflector.ts';
import { resource, type ResourceType } from '../../kube/resource.ts';
import type { Store } from '../../kube/store.ts';
import type { Transport } from '../../kube/transport.ts';
import type { PodRecord, PodResource } from '../ports.ts';
import { nudgesOn, podRecord } from './pod-record.ts';

export interface PodWatchOptions extends Pick<
  ReflectorOptions<PodRecord, never>,
  'clock' | 'timing' | 'log' | 'metrics' | 'signal'
> {
  readonly transport: Transport;
  /** Only these namespaces, each by a watch of its own; undefined: all, by one. */
  readonly namespaces: readonly string[] | undefined;
  /** Whether this process leads: asked right before each write is sent. Default: yes. */
  readonly mayWrite?: (() => boolean) | undefined;
}

export interface WatchedPods extends PodResource {
  /** Resolves when every watch has ended. */
  readonly ended: Promise<unknown>;
}

const podType: ResourceType = { group: '', version: 'v1', plural: 'pods', namespaced: true };

/** What is watched of one namespace, or of all. */
interface Scope {
  readonly store: Store<PodRecord, 'bySecret'>;
  /** Why nothing is known, where that is so. */
  readonly knowledge: () => ReturnType<PodResource['knowledgeOf']>;
  readonly ended: Promise<void>;
}

const patched = z.object({
  metadata: z.object({
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});

/**
 * Watches pods. Nothing waits for these watches: where the rights do not allow one, that is logged once, and it is tried
 * again at the pace of any watch that broke off.
 */
export function watchPods(options: PodWatchOptions): WatchedPods {
  const { transport, namespaces, mayWrite } = options;
  const pods = resource(transport, podType, mayWrite);
  const scopes = new Map(
    (namespaces ?? ['']).map((namespace) => [namespace, watchScope(options, namespace)]),
  );
  const scopeOf = (namespace: string): Scope | undefined => scopes.get(namespace) ?? scopes.get('');
  const all = [...scopes.values()];
  return {
    knowledgeOf: (namespace) => scopeOf(namespace)?.knowledge() ?? 'none',
    mounting: (namespace, secret) =>
      scopeOf(namespace)?.store.byIndex('bySecret', objectKey(namespace, secret)) ?? [],
    follow(told) {
      const ends = all.map(({ store }) =>
        store.subscribe((_key, _before, after) => {
          if (after !== undefined) told(after);
        }),
      );
      return () => {
        for (const end of ends) end();
      };
    },
    async nudge(pod, annotations) {
      const { namespace, name, uid } = pod;
      // The uid is a guard: another pod of this name may mount something else.
      const body = { metadata: { uid, annotations } };
      const answer = await pods.mergePatch({ namespace, name }, body, { metadataOnly: true });
      const { metadata } = patched.parse(answer);
      const { resourceVersion } = metadata;
      scopeOf(namespace)?.store.observe({ ...pod, resourceVersion, nudges: nudgesOn(metadata.annotations) });
    },
    ended: Promise.all(all.map(({ ended }) => ended)),
  };
}

function watchScope({ transport, log, ...options }: PodWatchOptions, namespace: string): Scope {
  let forbidden = false;
  const reflector = startReflector<PodRecord, 'bySecret'>({
    ...options,
    resource: resource(transport, podType),
    namespaces: namespace === '' ? undefined : [namespace],
    project: podRecord,
    indexes: { bySecret: (pod) => pod.secrets.map((name) => objectKey(pod.namespace, name)) },
    log: quietLog(log),
    onFailure(failure) {
      const isForbidden = failure instanceof KubeError && failure.status === 403;
      if (isForbidden && !forbidden) {
        log.warn(
          'The rights do not allow to watch pods, so none is nudged; it is tried again. Bind the ClusterRole leaseholder-nudge to the operator (nudge.enabled of the chart).',
          namespace === '' ? {} : { namespace },
        );
      }
      forbidden = isForbidden;
    },
  });
  return {
    store: reflector.store,
    knowledge: () => {
      if (reflector.hasSynced) return 'full';
      return forbidden ? 'forbidden' : 'none';
    },
    ended: reflector.ended,
  };
}
