import { z } from 'zod';

import type { ApiAnswer, ApiClient } from '../../sandbox/control-plane/api-client.ts';
import { awaitCondition } from '../../sandbox/control-plane/condition.ts';

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().default('default') }),
});
type Manifest = z.infer<typeof manifest>;

const resourceList = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});
type Resource = z.infer<typeof resourceList>['resources'][number];

const refusal = z.object({ message: z.string() });

/**
 * Applies objects one after the other, as `kubectl apply --server-side --force-conflicts` does: what an object no longer
 * says is taken away, and what others have added stays. Without kubectl, whose process costs more than what it does.
 *
 * @throws Error with the API server's words when one is refused.
 */
export function applier(client: ApiClient): (objects: readonly object[]) => Promise<void> {
  /** By API version and kind. */
  const known = new Map<string, Resource>();

  const resourceOf = async ({ apiVersion, kind }: Manifest): Promise<Resource> => {
    const wanted = `${apiVersion} ${kind}`;
    return awaitCondition(
      async () => {
        if (!known.has(wanted))
          for (const one of await listed(apiVersion)) known.set(`${apiVersion} ${one.kind}`, one);
        return known.get(wanted);
      },
      { what: `kind ${wanted} to be served`, intervalMs: 100 },
    );
  };
  const listed = async (apiVersion: string): Promise<readonly Resource[]> => {
    const { status, body } = await client.send(root(apiVersion));
    // Behind a slash is the name of a subresource.
    return status === 200 ? resourceList.parse(body).resources.filter(({ name }) => !name.includes('/')) : [];
  };
  const apply = async (object: Manifest): Promise<void> => {
    const { name, namespaced } = await resourceOf(object);
    const { metadata } = object;
    const place = namespaced ? `/namespaces/${metadata.namespace}` : '';
    const at = `${root(object.apiVersion)}${place}/${name}/${metadata.name}`;
    const { status, body } = await admitted(
      client,
      `${at}?fieldManager=kubectl&force=true&fieldValidation=Strict`,
      {
        ...object,
        metadata: namespaced ? metadata : { ...metadata, namespace: undefined },
      },
    );
    if (status === 200 || status === 201) return;
    const { message } = refusal.catch({ message: `status ${String(status)}` }).parse(body);
    throw new Error(`${object.kind} ${metadata.name} was not applied: ${message}`);
  };
  return async (objects) => {
    for (const object of objects) await apply(manifest.parse(object));
  };
}

function root(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** 429: for want of capacity, or of a kind whose storage has just been set up. Every client asks again then. */
async function admitted(client: ApiClient, path: string, body: object): Promise<ApiAnswer> {
  const contentType = 'application/apply-patch+yaml';
  return awaitCondition(
    async () => {
      const answer = await client.send(path, { method: 'PATCH', contentType, body, timeoutMs: 60_000 });
      return answer.status !== 429 && answer;
    },
    { what: `PATCH ${path}`, intervalMs: 100 },
  );
}
