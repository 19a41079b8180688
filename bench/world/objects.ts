import type { NewObject } from './fleet.ts';

export const API = '/apis/leaseholder.dev/v1alpha1';

/** The Secret of a connection's login. */
export const LOGIN = 'infisical-login';

export interface Login {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What a namespace needs before leases are made in it. */
export function namespaceObjects(
  namespace: string,
  hostAPI: string,
  { clientId, clientSecret }: Login,
): readonly NewObject[] {
  const key = (one: keyof Login): object => ({ secretKeyRef: { name: LOGIN, key: one } });
  return [
    { path: '/api/v1/namespaces', body: namespaceObject(namespace) },
    {
      path: `/api/v1/namespaces/${namespace}/secrets`,
      body: { metadata: { name: LOGIN }, stringData: { clientId, clientSecret } },
    },
    {
      path: `${API}/namespaces/${namespace}/infisicalconnections`,
      body: {
        apiVersion: 'leaseholder.dev/v1alpha1',
        kind: 'InfisicalConnection',
        metadata: { name: 'infisical' },
        spec: {
          hostAPI,
          auth: { universal: { clientId: key('clientId'), clientSecret: key('clientSecret') } },
        },
      },
    },
  ];
}

export function namespaceObject(name: string): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** A lease of the bench's dynamic secret. `spec` goes over the least that is needed. */
export function leaseObject(
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  dynamicSecret = 'orders',
): object {
  return {
    apiVersion: 'leaseholder.dev/v1alpha1',
    kind: 'DynamicSecretLease',
    metadata: { name },
    spec: {
      connectionRef: { name: 'infisical' },
      dynamicSecret: { name: dynamicSecret, projectSlug: 'shop', environmentSlug: 'prod' },
      ...spec,
    },
  };
}

/** A Secret that is none of the operator's: of usual size, without its label. */
export function foreignSecret(name: string): object {
  const data = Object.fromEntries(['ca', 'config', 'token'].map((key) => [key, FILLING]));
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels: { app: 'shop' } }, data };
}

const FILLING = Buffer.from('x'.repeat(200)).toString('base64');
