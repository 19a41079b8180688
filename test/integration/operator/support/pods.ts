import { z } from 'zod';

import { awaitCondition } from '../../../../sandbox/control-plane/condition.ts';
import type { AuditMark } from '../../../../sandbox/control-plane/audit.ts';
import type { Stage } from '../../../support/stage.ts';

const pod = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
});

/** Makes a pod that nobody schedules; waits for the service account that it needs. */
export async function makePod(
  stage: Stage,
  name: string,
  spec: object,
  namespace = 'default',
): Promise<void> {
  const manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec };
  await awaitCondition(
    async () => {
      const words = await stage.refusal(manifest);
      if (words !== undefined && !words.includes('serviceaccount')) throw new Error(words);
      return words === undefined;
    },
    { what: `pod ${name}`, intervalMs: 100 },
  );
}

/** Its annotations: those of nobody but the operator, here. */
export async function annotationsOf(
  stage: Stage,
  name: string,
  namespace = 'default',
): Promise<Readonly<Record<string, string>>> {
  return pod.parse(await stage.read(`/api/v1/namespaces/${namespace}/pods/${name}`)).metadata.annotations;
}

/** The writes of pods by the operator since a mark, in the order of their names. */
export async function podWrites(stage: Stage, since: AuditMark): Promise<readonly string[]> {
  const events = await stage.plane.audit.events(since);
  return events
    .filter(({ user, resource, verb }) => user === stage.user && resource === 'pods' && !reads.has(verb))
    .map(({ verb, namespace, name, responseCode }) =>
      [verb, `${String(namespace)}/${String(name)}`, responseCode].join(' '),
    )
    .toSorted();
}

const reads = new Set(['get', 'list', 'watch']);

interface Use {
  readonly volumes?: readonly object[];
  readonly container?: object;
}

function specOf({ volumes = [], container = {} }: Use): object {
  return { volumes, containers: [{ name: 'app', image: 'example.com/app', ...container }] };
}

const mounted = { volumeMounts: [{ name: 'db', mountPath: '/db' }] };

/** The ways in which a pod may use a Secret. */
export const uses = {
  volume: (secretName: string): object =>
    specOf({ volumes: [{ name: 'db', secret: { secretName } }], container: mounted }),
  projected: (name: string): object =>
    specOf({
      volumes: [{ name: 'db', projected: { sources: [{ secret: { name } }] } }],
      container: mounted,
    }),
  subPath: (secretName: string): object =>
    specOf({
      volumes: [{ name: 'db', secret: { secretName } }],
      container: { volumeMounts: [{ name: 'db', mountPath: '/db', subPath: 'DB_USERNAME' }] },
    }),
  environment: (name: string): object => specOf({ container: { envFrom: [{ secretRef: { name } }] } }),
};
