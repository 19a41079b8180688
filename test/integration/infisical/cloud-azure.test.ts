import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { ConnectionAuth } from '../../../src/api/auth.ts';
import {
  TWO,
  type CloudWorld,
  cloudWorld,
  fromInternet,
  messageOf,
  ofCluster,
  twice,
} from './support/cloud-world.ts';

let clouds: CloudWorld;
beforeAll(async () => {
  clouds = await cloudWorld();
});
afterAll(() => clouds[Symbol.asyncDispose]());
afterEach(() => {
  vi.unstubAllEnvs();
});

const RESOURCE = 'api://infisical';
const CLIENT = '0b2b6a3e-9d6e-4f6e-8a3c-6d6f2f0e7a11';
const OBJECT = 'aaaaaaaa-9d6e-4f6e-8a3c-6d6f2f0e7a11';
const identity = (settings: object = {}): Promise<string> =>
  clouds.identity({
    azure: {
      tenantId: clouds.azure.tenantId,
      jwksUrl: clouds.azure.jwksUrl,
      resource: RESOURCE,
      allowedServicePrincipalIds: OBJECT,
      ...settings,
    },
  });
const workload = (name = 'robot', clientId = CLIENT): ConnectionAuth['azure'] & object => ({
  identityId: '',
  resource: RESOURCE,
  workloadIdentity: {
    tenantId: clouds.azure.tenantId,
    clientId,
    authorityHost: clouds.azure.authority,
    serviceAccountRef: { name },
  },
});
const metadata = (): Record<string, string> => ({
  AZURE_POD_IDENTITY_AUTHORITY_HOST: clouds.azure.metadataUrl,
});
const stub = (variables: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
};

describe('Azure Auth', () => {
  beforeAll(() => {
    clouds.azure.addIdentity({
      clientId: CLIENT,
      objectId: OBJECT,
      trusted: clouds.trusting('robot', 'api://AzureADTokenExchange'),
    });
  });

  test('by a service account has a fresh token of Entra ID each time', async () => {
    const identityId = await identity();
    const logIn = clouds.connection({ azure: { ...workload(), identityId } });
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
    await clouds.azure.rotateKey();
    expect(await logIn()).toBe('accepted');
  });

  test('by a service account that Entra ID does not take says so', async () => {
    const identityId = await identity();
    const outcome = await clouds.connection({ azure: { ...workload('human'), identityId } })();
    expect(messageOf(outcome)).toMatch(/^CloudIdentityUnavailable: .*invalid_client/);
    expect(await clouds.proofs(identityId)).toEqual([]);
  });

  test('by a service account asks no Entra ID that is not allowed', async () => {
    const asked = clouds.azure.asked.length;
    const auth = { azure: { ...workload(), identityId: await identity() } };
    expect(messageOf(await clouds.connection(auth, { network: fromInternet })())).toMatch(
      /^HostNotAllowed: .*spec\.auth\.azure\.workloadIdentity\.authorityHost/,
    );
    expect(clouds.azure.asked.length).toBe(asked);
  });

  const refused: Readonly<Record<string, object>> = {
    'for another resource': { resource: 'api://elsewhere' },
    'of another tenant': { tenantId: 'elsewhere' },
    'of another service principal': { allowedServicePrincipalIds: CLIENT },
  };
  test.each(Object.entries(refused))('with a token %s is refused', async (_what, settings) => {
    const identityId = await identity(settings);
    const outcome = await clouds.connection({ azure: { ...workload(), identityId } })();
    expect(messageOf(outcome)).toMatch(/^LoginRefused: .*spec\.auth\.azure\.resource/);
  });

  test('with a token that has expired is refused, and accepted with the next', async () => {
    const identityId = await identity();
    const logIn = clouds.connection({ azure: { ...workload(), identityId } });
    clouds.azure.setLife(-10);
    const outcome = await logIn();
    clouds.azure.setLife(3600);
    expect(messageOf(outcome)).toContain('LoginRefused');
    expect(await logIn()).toBe('accepted');
  });

  test('of the operator by managed identity, its own or the one that is named', async () => {
    stub(metadata());
    clouds.azure.addIdentity({ clientId: OBJECT, objectId: CLIENT });
    clouds.azure.host(CLIENT, OBJECT);
    const identityId = await identity();
    const own = { identityId, resource: RESOURCE, operatorIdentity: {} };
    expect(await twice(clouds, clouds.connection({ azure: own }, ofCluster()), identityId)).toEqual(TWO);
    const other = await identity({ allowedServicePrincipalIds: CLIENT });
    const named = { ...own, identityId: other, operatorIdentity: { clientId: OBJECT } };
    expect(await clouds.connection({ azure: named }, ofCluster())()).toBe('accepted');
    clouds.azure.host();
    expect(messageOf(await clouds.connection({ azure: own }, ofCluster())())).toMatch(
      /^CloudIdentityUnavailable: /,
    );
  });

  test('of the operator by the workload identity of its pod takes the token that lies there now', async () => {
    const sign = (lifeSeconds: number): Promise<string> =>
      clouds.issuer.sign(
        { sub: 'system:serviceaccount:shop:robot', aud: 'api://AzureADTokenExchange' },
        { lifeSeconds },
      );
    const identityId = await identity();
    const environment = {
      AZURE_FEDERATED_TOKEN_FILE: await clouds.file('azure', await sign(-10)),
      AZURE_TENANT_ID: clouds.azure.tenantId,
      AZURE_CLIENT_ID: CLIENT,
      AZURE_AUTHORITY_HOST: `${clouds.azure.authority}/`,
    };
    const auth = { azure: { identityId, resource: RESOURCE, operatorIdentity: {} } };
    const logIn = clouds.connection(auth, ofCluster(environment));
    expect(messageOf(await logIn())).toMatch(/^CloudIdentityUnavailable: /);
    await clouds.file('azure', await sign(600));
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
  });
});
