import { describe, expect, test } from 'vitest';

import { resource, type KubeResource } from '../../../src/kube/resource.ts';
import type { KubeRequest, StreamOptions, StreamRequest, Transport } from '../../../src/kube/transport.ts';

type Sent = StreamRequest & StreamOptions & Partial<KubeRequest>;

/** A transport that sends nothing. */
function recorder(): { transport: Transport; sent: Sent[] } {
  const sent: Sent[] = [];
  const transport: Transport = {
    request: (request) => Promise.resolve(void sent.push(request)),
    async *stream(request, options) {
      sent.push({ ...request, ...options });
      yield undefined;
    },
    now: () => undefined,
    close: () => Promise.resolve(),
  };
  return { transport, sent };
}

const secrets = { group: '', version: 'v1', plural: 'secrets', namespaced: true };
const leases = {
  group: 'leaseholder.dev',
  version: 'v1alpha1',
  plural: 'dynamicsecretleases',
  namespaced: true,
};
const definitions = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

const object = { namespace: 'apps', name: 'a' };
const write = { fieldManager: 'leaseholder', dryRun: undefined };

describe('a verb becomes a request', () => {
  const cases: Record<string, { type: typeof secrets; call: (kind: KubeResource) => unknown; sent: object }> =
    {
      get: {
        type: secrets,
        call: (kind) => kind.get(object),
        sent: { method: 'GET', path: '/api/v1/namespaces/apps/secrets/a', verb: 'get', resource: 'secrets' },
      },
      'get of the metadata alone': {
        type: secrets,
        call: (kind) => kind.get(object, { metadataOnly: true }),
        sent: { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' },
      },
      'get of an object without a namespace': {
        type: definitions,
        call: (kind) => kind.get({ name: 'a/../b' }),
        sent: { path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/a%2F..%2Fb' },
      },
      'list of all namespaces': {
        type: leases,
        call: (kind) => kind.list({ limit: 500, continue: 'x', labelSelector: 'a=b' }),
        sent: {
          method: 'GET',
          verb: 'list',
          path: '/apis/leaseholder.dev/v1alpha1/dynamicsecretleases',
          query: {
            limit: 500,
            continue: 'x',
            labelSelector: 'a=b',
            fieldSelector: undefined,
            resourceVersion: undefined,
          },
        },
      },
      'list of the metadata of one namespace': {
        type: secrets,
        call: (kind) => kind.list({ namespace: 'apps', metadataOnly: true }),
        sent: {
          path: '/api/v1/namespaces/apps/secrets',
          accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
        },
      },
      create: {
        type: secrets,
        call: (kind) => kind.create('apps', { data: {} }),
        sent: {
          method: 'POST',
          verb: 'create',
          path: '/api/v1/namespaces/apps/secrets',
          body: { data: {} },
          query: write,
        },
      },
      'create as a rehearsal': {
        type: secrets,
        call: (kind) => kind.create('apps', {}, { dryRun: true, metadataOnly: true }),
        sent: {
          query: { ...write, dryRun: 'All' },
          accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
        },
      },
      'merge patch of the status': {
        type: leases,
        call: (kind) => kind.mergePatch(object, { status: {} }, { subresource: 'status' }),
        sent: {
          method: 'PATCH',
          verb: 'patch',
          path: '/apis/leaseholder.dev/v1alpha1/namespaces/apps/dynamicsecretleases/a/status',
          contentType: 'application/merge-patch+json',
          body: { status: {} },
          query: write,
        },
      },
      'JSON patch': {
        type: secrets,
        call: (kind) => kind.jsonPatch(object, [{ op: 'remove', path: '/data' }]),
        sent: {
          method: 'PATCH',
          contentType: 'application/json-patch+json',
          body: [{ op: 'remove', path: '/data' }],
        },
      },
      'delete with preconditions': {
        type: secrets,
        call: (kind) => kind.delete(object, { uid: 'u', resourceVersion: '7' }),
        sent: {
          method: 'DELETE',
          verb: 'delete',
          path: '/api/v1/namespaces/apps/secrets/a',
          body: {
            kind: 'DeleteOptions',
            apiVersion: 'v1',
            preconditions: { uid: 'u', resourceVersion: '7' },
          },
        },
      },
      'watch from a place': {
        type: secrets,
        call: (kind) => kind.watch({ resourceVersion: '7', timeoutSeconds: 300, metadataOnly: true }).next(),
        sent: {
          path: '/api/v1/secrets',
          verb: 'watch',
          accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
          query: {
            watch: true,
            allowWatchBookmarks: true,
            resourceVersion: '7',
            timeoutSeconds: 300,
            sendInitialEvents: undefined,
            resourceVersionMatch: undefined,
            labelSelector: undefined,
            fieldSelector: undefined,
          },
        },
      },
      'watch that begins with what is there': {
        type: secrets,
        call: (kind) =>
          kind.watch({ namespace: 'apps', sendInitialEvents: true, labelSelector: 'a=b' }).next(),
        sent: {
          path: '/api/v1/namespaces/apps/secrets',
          query: {
            watch: true,
            allowWatchBookmarks: true,
            resourceVersion: undefined,
            timeoutSeconds: undefined,
            sendInitialEvents: true,
            resourceVersionMatch: 'NotOlderThan',
            labelSelector: 'a=b',
            fieldSelector: undefined,
          },
        },
      },
    };

  test.each(Object.entries(cases))('%s', async (_sentence, { type, call, sent: expected }) => {
    const { transport, sent } = recorder();
    await call(resource(transport, type));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject(expected);
  });

  test('and passes the signal on', async () => {
    const { transport, sent } = recorder();
    const { signal } = new AbortController();
    await resource(transport, secrets).create('apps', {}, { signal });
    expect(sent[0]?.signal).toBe(signal);
  });

  test('and every write, of a rehearsal too, asks whether this process leads; reads do not', async () => {
    const { transport, sent } = recorder();
    const mayWrite = (): boolean => false;
    const kind = resource(transport, secrets, mayWrite);
    await kind.create('apps', {}, { dryRun: true });
    await kind.mergePatch(object, {}, { subresource: 'status' });
    await kind.jsonPatch(object, []);
    await kind.delete(object, {});
    expect(sent.map(({ permit }) => permit)).toEqual([mayWrite, mayWrite, mayWrite, mayWrite]);
    await kind.get(object);
    await kind.list();
    await kind.watch().next();
    expect(sent.slice(4).map(({ permit }) => permit)).toEqual([undefined, undefined, undefined]);
  });
});
