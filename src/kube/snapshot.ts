import { z } from 'zod';

import { KubeError } from './kube-error.ts';
import type { KubeResource, ListOptions } from './resource.ts';
import { readObjectId, type ObjectId } from './watch-event.ts';

/** Makes a record of an object; undefined when it cannot be read, which has been logged. */
export type Project<R> = (id: ObjectId, object: unknown) => R | undefined;

/** The objects of one scope, gathered bit by bit. */
export interface Snapshot<R> {
  add(id: ObjectId, object: unknown): void;
  delete(key: string): void;
  readonly records: Iterable<R>;
  /** Keys of objects that exist and cannot be read. */
  readonly unreadable: ReadonlySet<string>;
}

/** Makes an empty {@link Snapshot}. */
export function snapshot<R>(project: Project<R>): Snapshot<R> {
  const records = new Map<string, R>();
  const unreadable = new Set<string>();
  const forget = (key: string): void => {
    records.delete(key);
    unreadable.delete(key);
  };
  return {
    add(id, object) {
      forget(id.key);
      const record = project(id, object);
      if (record === undefined) unreadable.add(id.key);
      else records.set(id.key, record);
    },
    delete: forget,
    get records() {
      return records.values();
    },
    unreadable,
  };
}

/** Objects a page: what the API server reads from etcd at once. */
const PAGE = 500;

const page = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullish(),
});

/**
 * Lists all objects of a scope in pages, as of one moment.
 *
 * @returns the list's resourceVersion.
 * @throws KubeError 410 when the moment is too long ago to go on: to be begun anew.
 */
export async function listPages<R>(
  resource: KubeResource,
  options: ListOptions,
  into: Snapshot<R>,
): Promise<string> {
  const request = `list ${resource.type.plural}`;
  let position: string | undefined;
  for (;;) {
    const answer = page.safeParse(await resource.list({ ...options, limit: PAGE, continue: position }));
    if (!answer.success) throw new KubeError(request, { status: 200, reason: 'UnexpectedAnswer' });
    const { items, metadata } = answer.data;
    for (const object of items ?? []) into.add(readObjectId(request, object), object);
    position = metadata.continue;
    if (position === undefined || position === '') return metadata.resourceVersion;
  }
}
