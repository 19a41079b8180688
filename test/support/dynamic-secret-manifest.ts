import { API_VERSION } from '../../src/api/names.ts';

type Part = Readonly<Record<string, unknown>>;

/** A dynamic secret beside those of the stage. `spec` is merged over the least that is needed. */
export function dynamicSecretManifest(name: string, spec: Part = {}, metadata: Part = {}): object {
  return {
    apiVersion: API_VERSION,
    kind: 'DynamicSecret',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      connectionRef: { name: 'infisical' },
      name,
      projectSlug: 'shop',
      environmentSlug: 'prod',
      defaultTTL: '1h',
      provider: { type: 'redis', inputs: { host: 'redis.example.com', port: 6379, username: 'admin' } },
      inputsFrom: inputsFrom(inputSecretName(name), 'password'),
      ...spec,
    },
  };
}

/** Inputs of these names from the keys of a Secret that are called the same. */
export function inputsFrom(secret: string, ...inputs: readonly string[]): readonly object[] {
  return inputs.map((input) => ({ input, secretKeyRef: { name: secret, key: input } }));
}

/** The Secret that `dynamicSecretManifest` names. */
export function inputSecretName(name: string): string {
  return `${name}-inputs`;
}

export function inputSecret(name: string, stringData: Readonly<Record<string, string>>): object {
  const metadata = { name: inputSecretName(name), namespace: 'default' };
  return { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
}
