import { FIELD_MANAGER } from '../api/names.ts';
import type { Query, StreamOptions, Transport } from './transport.ts';

/** A kind of object, as the API's paths name it. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Names one object. */
export interface ObjectName {
  /** Only for namespaced kinds. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Answers with `PartialObjectMetadata` in place of the objects: nothing else of them leaves the server. */
  readonly metadataOnly?: boolean | undefined;
}

export interface WriteOptions extends CallOptions {
  /** Has the server check everything and write nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: 'status' | undefined;
}

export interface Selection {
  /** One namespace; none: all of them. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  /** Objects a page, at most. */
  readonly limit?: number | undefined;
  /** `metadata.continue` of the page before. */
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface WatchOptions extends CallOptions, Selection, StreamOptions {
  /** Where to go on; none: with the present. */
  readonly resourceVersion?: string | undefined;
  /** How long the server should keep the watch, in seconds. */
  readonly timeoutSeconds?: number | undefined;
  /** Begin with the present objects, up to a bookmark that says so (WatchList). */
  readonly sendInitialEvents?: boolean | undefined;
}

/** What must still hold for a deletion. */
export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/**
 * The verbs of one kind. Answers are raw: whoever asks reads what it needs of them. Every verb throws a `KubeError`
 * where the server does not answer with a 2xx. Writes carry our field manager.
 */
export interface KubeResource {
  readonly type: ResourceType;
  get(object: ObjectName, options?: CallOptions): Promise<unknown>;
  /** One page. */
  list(options?: ListOptions): Promise<unknown>;
  /** @param namespace undefined for kinds without. */
  create(namespace: string | undefined, body: unknown, options?: WriteOptions): Promise<unknown>;
  /** Has a subresource of an object made, such as a token of a service account. Nothing is kept of it. */
  createSubresource(object: ObjectName, subresource: 'token', body: unknown): Promise<unknown>;
  /** RFC 7386: keys are set, or taken away by null. Guarded where the patch holds `metadata.resourceVersion`. */
  mergePatch(object: ObjectName, patch: unknown, options?: PatchOptions): Promise<unknown>;
  /** RFC 6902. */
  jsonPatch(object: ObjectName, operations: readonly unknown[], options?: PatchOptions): Promise<unknown>;
  /** @returns a `Status`, or the object where finalizers keep it. */
  delete(object: ObjectName, preconditions: Preconditions, options?: WriteOptions): Promise<unknown>;
  /** The events of a watch, one by one; bookmarks are asked for. Ends when the server ends it. */
  watch(options?: WatchOptions): AsyncGenerator<unknown, void, undefined>;
}

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const METADATA_LIST_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/**
 * The verbs of a kind, over a transport.
 *
 * @param mayWrite asked right before each write is sent, dry runs too; no: KubeError with the reason `NotLeading`.
 *   Default: always.
 */
export function resource(transport: Transport, type: ResourceType, mayWrite?: () => boolean): KubeResource {
  const collection = (namespace: string | undefined): string => {
    const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
    const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    return `${root}${within}/${type.plural}`;
  };
  const pathOf = ({ namespace, name }: ObjectName): string =>
    `${collection(type.namespaced ? namespace : undefined)}/${encodeURIComponent(name)}`;

  const patch = (contentType: string, object: ObjectName, body: unknown, options: PatchOptions = {}) =>
    transport.request({
      ...common('patch', options),
      method: 'PATCH',
      path: pathOf(object) + (options.subresource === undefined ? '' : `/${options.subresource}`),
      query: writeQuery(options),
      body,
      contentType,
      permit: mayWrite,
    });
  const common = (verb: string, { signal, metadataOnly }: CallOptions) => ({
    verb,
    resource: type.plural,
    ...(signal === undefined ? {} : { signal }),
    ...(metadataOnly === true ? { accept: METADATA_ONLY } : {}),
  });

  return {
    type,
    get: (object, options = {}) =>
      transport.request({ ...common('get', options), method: 'GET', path: pathOf(object) }),
    list: (options = {}) =>
      transport.request({
        ...common('list', options),
        ...(options.metadataOnly === true ? { accept: METADATA_LIST_ONLY } : {}),
        method: 'GET',
        path: collection(options.namespace),
        query: {
          ...selectionQuery(options),
          limit: options.limit,
          continue: options.continue,
          resourceVersion: options.resourceVersion,
        },
      }),
    create: (namespace, body, options = {}) =>
      transport.request({
        ...common('create', options),
        method: 'POST',
        path: collection(namespace),
        query: writeQuery(options),
        body,
        permit: mayWrite,
      }),
    createSubresource: (object, subresource, body) =>
      transport.request({
        ...common('create', {}),
        resource: `${type.plural}/${subresource}`,
        method: 'POST',
        path: `${pathOf(object)}/${subresource}`,
        query: writeQuery({}),
        body,
      }),
    mergePatch: (object, body, options) => patch('application/merge-patch+json', object, body, options),
    jsonPatch: (object, operations, options) =>
      patch('application/json-patch+json', object, operations, options),
    delete: (object, preconditions, options = {}) =>
      transport.request({
        ...common('delete', options),
        method: 'DELETE',
        path: pathOf(object),
        query: { dryRun: options.dryRun === true ? 'All' : undefined },
        body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions },
        permit: mayWrite,
      }),
    watch: (options = {}) =>
      transport.stream(
        {
          ...common('watch', options),
          path: collection(options.namespace),
          query: { ...selectionQuery(options), ...watchQuery(options) },
        },
        options,
      ),
  };
}

function writeQuery({ dryRun }: WriteOptions): Query {
  return { fieldManager: FIELD_MANAGER, dryRun: dryRun === true ? 'All' : undefined };
}

function selectionQuery({ labelSelector, fieldSelector }: Selection): Query {
  return { labelSelector, fieldSelector };
}

function watchQuery({ resourceVersion, timeoutSeconds, sendInitialEvents }: WatchOptions): Query {
  const initial = sendInitialEvents === true;
  return {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion,
    timeoutSeconds,
    sendInitialEvents: initial ? true : undefined,
    resourceVersionMatch: initial ? 'NotOlderThan' : undefined,
  };
}
