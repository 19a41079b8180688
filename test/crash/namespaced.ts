import type { Surroundings } from '../support/surroundings.ts';

/** The objects of one namespace, as the admin has them. Each call throws Error when it is refused. */
export interface Namespaced {
  /** Undefined where there is none. */
  read(plural: Plural, name: string): Promise<unknown>;
  create(plural: Plural, body: object): Promise<void>;
  /** A merge patch. @returns the object as it is then. */
  merge(plural: Plural, name: string, body: object): Promise<unknown>;
  /** The same of the status. */
  mergeStatus(plural: Plural, name: string, status: object): Promise<void>;
  remove(plural: Plural, name: string): Promise<void>;
}

type Plural = 'secrets' | 'deployments' | 'dynamicsecretleases' | 'dynamicsecrets' | 'infisicalconnections';

/** The paths of the API groups of what is not our own. */
const groups: Partial<Readonly<Record<Plural, string>>> = {
  secrets: '/api/v1',
  deployments: '/apis/apps/v1',
};

const CONTENT_TYPE = 'application/merge-patch+json';

/** Makes the namespace. */
export async function makeNamespace({ ask }: Surroundings, namespace: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await ask('/api/v1/namespaces', { method: 'POST', body });
}

export function namespaced({ ask }: Surroundings, namespace: string): Namespaced {
  const all = (plural: Plural): string =>
    `${groups[plural] ?? '/apis/leaseholder.dev/v1alpha1'}/namespaces/${namespace}/${plural}`;
  const one = (plural: Plural, name: string): string => `${all(plural)}/${name}`;
  return {
    async read(plural, name) {
      const { status, body } = await ask(one(plural, name));
      return status === 404 ? undefined : body;
    },
    create: async (plural, body) => void (await ask(all(plural), { method: 'POST', body })),
    async merge(plural, name, body) {
      return (await ask(one(plural, name), { method: 'PATCH', body, contentType: CONTENT_TYPE })).body;
    },
    async mergeStatus(plural, name, status) {
      const path = `${one(plural, name)}/status`;
      await ask(path, { method: 'PATCH', body: { status }, contentType: CONTENT_TYPE });
    },
    remove: async (plural, name) => void (await ask(one(plural, name), { method: 'DELETE' })),
  };
}
