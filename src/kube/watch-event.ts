import { z } from 'zod';

import { KubeError, refusal } from './kube-error.ts';
import { objectKey } from './object-key.ts';

/** What identifies one state of one object. */
export interface ObjectId {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** An event of a watch. */
export type WatchEvent =
  | { readonly type: 'changed'; readonly id: ObjectId; readonly object: unknown }
  | { readonly type: 'deleted'; readonly id: ObjectId }
  | {
      readonly type: 'bookmark';
      readonly resourceVersion: string;
      /** Everything that existed when the watch began has been sent (WatchList). */
      readonly initialEventsEnd: boolean;
    };

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

const identified = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default(''),
    uid: z.string(),
    resourceVersion: z.string(),
  }),
});

const envelope = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

const bookmark = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

/**
 * Reads one line of a watch.
 *
 * @param request names the watch in errors.
 * @throws KubeError the `Status` of an ERROR event, or `UnexpectedAnswer` for what is no event.
 */
export function readWatchEvent(request: string, line: unknown): WatchEvent {
  const { type, object } = read(envelope, request, line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'changed', id: readObjectId(request, object), object };
    case 'DELETED':
      return { type: 'deleted', id: readObjectId(request, object) };
    case 'BOOKMARK': {
      const { metadata } = read(bookmark, request, object);
      const initialEventsEnd = metadata.annotations?.[INITIAL_EVENTS_END] === 'true';
      return { type: 'bookmark', resourceVersion: metadata.resourceVersion, initialEventsEnd };
    }
    case 'ERROR':
      throw refusal(request, undefined, object);
  }
}

/**
 * Reads what identifies an object.
 *
 * @throws KubeError `UnexpectedAnswer` when it is none.
 */
export function readObjectId(request: string, object: unknown): ObjectId {
  const { name, namespace, uid, resourceVersion } = read(identified, request, object).metadata;
  return { key: objectKey(namespace, name), uid, resourceVersion };
}

function read<T>(schema: z.ZodType<T>, request: string, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new KubeError(request, { status: 200, reason: 'UnexpectedAnswer' });
}
