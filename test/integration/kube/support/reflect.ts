import { z } from 'zod';

import { systemClock } from '../../../../src/clock.ts';
import type { KubeAccess } from '../../../../src/kube/access.ts';
import { connect } from '../../../../src/kube/connect.ts';
import { objectKey } from '../../../../src/kube/object-key.ts';
import { startReflector, type Reflector, type ReflectorOptions } from '../../../../src/kube/reflector.ts';
import { resource, type KubeResource, type ResourceType } from '../../../../src/kube/resource.ts';
import type { StoreRecord } from '../../../../src/kube/store.ts';
import { openTransport, type Transport } from '../../../../src/kube/transport.ts';
import { standardTiming, type Timing } from '../../../../src/timing.ts';
import type { ControlPlane } from '../../../../sandbox/control-plane/control-plane.ts';
import { memoryLog, memoryMetrics, type Line } from '../../../unit/kube/support/telemetry.ts';

export const configMaps: ResourceType = { group: '', version: 'v1', plural: 'configmaps', namespaced: true };
export const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', namespaced: true };
export const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };

export const clock = systemClock();

const object = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default(''),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
});

export interface Labelled extends StoreRecord {
  readonly labels: Readonly<Record<string, string>>;
}

export function labelled(raw: unknown): Labelled {
  const { name, namespace, uid, resourceVersion, labels } = object.parse(raw).metadata;
  return { key: objectKey(namespace, name), uid, resourceVersion, labels };
}

export interface Client extends AsyncDisposable {
  readonly access: KubeAccess;
  readonly transport: Transport;
  of(type: ResourceType): KubeResource;
}

/** A client as the control plane's admin, or by another access, with no other timing than the standard. */
export async function clientOf(
  plane: ControlPlane,
  other: Partial<KubeAccess> = {},
  timing: Partial<Timing> = {},
): Promise<Client> {
  const access = { ...(await connect({ kubeconfig: plane.kubeconfig, clock })), ...other };
  const { metrics } = memoryMetrics();
  const transport = openTransport({
    access,
    clock,
    timing: { ...standardTiming, ...timing },
    metrics,
    userAgent: 'leaseholder/test',
  });
  return {
    access,
    transport,
    of: (type) => resource(transport, type),
    [Symbol.asyncDispose]: () => transport.close(),
  };
}

export interface Reflected extends AsyncDisposable {
  readonly reflector: Reflector<Labelled>;
  readonly restarts: readonly string[];
  readonly lines: readonly Line[];
  /** Each change as "key came", "key changed" or "key went". */
  readonly told: string[];
  /** The resourceVersion that each watch was asked from; undefined: with a list. */
  readonly asked: (string | undefined)[];
}

export type ReflectOptions = Partial<Omit<ReflectorOptions<Labelled, never>, 'timing' | 'resource'>> & {
  readonly timing?: Partial<Timing>;
  /** Changes the place that a watch is asked from. */
  readonly place?: (resourceVersion: string | undefined) => string | undefined;
};

/** Starts a reflector of labelled objects. */
export function reflect(kind: KubeResource, options: ReflectOptions = {}): Reflected {
  const { metrics, restarts } = memoryMetrics();
  const { log, lines } = memoryLog();
  const stop = new AbortController();
  const asked: (string | undefined)[] = [];
  const { place = (version) => version, timing, ...rest } = options;
  const reflector = startReflector<Labelled>({
    resource: {
      ...kind,
      watch(watching) {
        const resourceVersion = place(watching?.resourceVersion);
        asked.push(resourceVersion);
        return kind.watch({ ...watching, resourceVersion });
      },
    },
    project: labelled,
    indexes: {},
    clock,
    log,
    metrics,
    signal: stop.signal,
    ...rest,
    timing: { ...standardTiming, ...timing },
  });
  const told: string[] = [];
  reflector.store.subscribe((key, before, after) => {
    const change = after === undefined ? 'went' : 'changed';
    told.push(`${key} ${before === undefined ? 'came' : change}`);
  });
  return {
    reflector,
    restarts,
    lines,
    told,
    asked,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reflector.ended;
    },
  };
}
