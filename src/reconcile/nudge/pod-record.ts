import { z } from 'zod';

import { parseInstant } from '../../instant.ts';
import { objectKey } from '../../kube/object-key.ts';
import { NUDGE_PREFIX } from '../../nudge/annotation.ts';
import type { PodRecord } from '../ports.ts';

const mounts = z
  .array(z.object({ name: z.string(), subPath: z.string().default(''), subPathExpr: z.string().default('') }))
  .nullish();

const containers = z.array(z.object({ volumeMounts: mounts })).nullish();

const sources = z.array(z.object({ secret: z.object({ name: z.string().optional() }).optional() })).nullish();

const volume = z.object({
  name: z.string(),
  secret: z.object({ secretName: z.string().optional() }).optional(),
  projected: z.object({ sources }).optional(),
});

const envelope = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().optional(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({
    volumes: z.array(volume).nullish(),
    containers,
    initContainers: containers,
    ephemeralContainers: containers,
  }),
  status: z.object({ phase: z.string().default('') }).prefault({}),
});

type Spec = z.infer<typeof envelope>['spec'];

/** Shared by all pods that have nothing to say: there may be very many. */
const none = Object.freeze([]);
const noNudges: PodRecord['nudges'] = Object.freeze({});

/**
 * What the operator keeps of a pod: next to nothing.
 *
 * @throws ZodError when it is no pod.
 */
export function podRecord(raw: unknown): PodRecord {
  const { metadata, spec, status } = envelope.parse(raw);
  const { namespace, name, uid, resourceVersion } = metadata;
  const secrets = secretsOf(spec);
  return {
    key: objectKey(namespace, name),
    namespace,
    name,
    uid,
    resourceVersion,
    createdAt: parseInstant(metadata.creationTimestamp) ?? 0,
    runs:
      metadata.deletionTimestamp === undefined && status.phase !== 'Succeeded' && status.phase !== 'Failed',
    secrets: secrets.length === 0 ? none : secrets,
    nudges: nudgesOn(metadata.annotations),
  };
}

/** The annotations that say what a pod was nudged for. */
export function nudgesOn(annotations: Readonly<Record<string, string>>): PodRecord['nudges'] {
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(NUDGE_PREFIX));
  return own.length === 0 ? noNudges : Object.fromEntries(own);
}

/** The Secrets in volumes that a container mounts as a whole: what it mounts by `subPath` never follows a change. */
function secretsOf({ volumes, ...kinds }: Spec): readonly string[] {
  const all = [kinds.containers, kinds.initContainers, kinds.ephemeralContainers];
  const whole = all
    .flatMap((some) => some ?? [])
    .flatMap(({ volumeMounts }) => volumeMounts ?? [])
    .filter(({ subPath, subPathExpr }) => subPath === '' && subPathExpr === '');
  const mounted = new Set(whole.map(({ name }) => name));
  const named = (volumes ?? [])
    .filter(({ name }) => mounted.has(name))
    .flatMap(({ secret, projected }) => [
      secret?.secretName,
      ...(projected?.sources ?? []).map((source) => source.secret?.name),
    ]);
  return [...new Set(named.filter((name) => name !== undefined))];
}
