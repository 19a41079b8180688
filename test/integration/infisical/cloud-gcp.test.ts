import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { ConnectionAuth } from '../../../src/api/auth.ts';
import { TWO, type CloudWorld, cloudWorld, messageOf, ofCluster, ref, twice } from './support/cloud-world.ts';

let clouds: CloudWorld;
beforeAll(async () => {
  clouds = await cloudWorld();
});
afterAll(() => clouds[Symbol.asyncDispose]());
afterEach(() => {
  vi.unstubAllEnvs();
});

const ACCOUNT = 'leases@a-project.iam.gserviceaccount.com';
const NODE = 'node@a-project.iam.gserviceaccount.com';
const gce = (settings: object = {}): Promise<string> =>
  clouds.identity({ gcp: { type: 'gce', keysUrl: clouds.gcp.jwksUrl, ...settings } });
const iam = (settings: object = {}): Promise<string> =>
  clouds.identity({
    gcp: {
      type: 'iam',
      keysUrl: clouds.gcp.accountKeysUrl,
      allowedServiceAccounts: ACCOUNT,
      ...settings,
    },
  });
const environment = (): Record<string, string> => ({
  GCE_METADATA_HOST: clouds.gcp.metadataHost,
  CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: `${clouds.gcp.iamUrl}/`,
});
const key = ref('gcp', 'key.json');

describe('GCP Auth', () => {
  beforeAll(async () => {
    clouds.gcp.host({ account: NODE, projectId: 'a-project', zone: 'europe-west3-a' });
    await clouds.gcp.addAccount(ACCOUNT, [NODE]);
  });

  test('by the key of a service account signs anew each time, and with another key once that is there', async () => {
    const identityId = await iam();
    clouds.secrets.set('gcp/key.json', await clouds.gcp.createKey(ACCOUNT));
    const logIn = clouds.connection({ gcp: { identityId, serviceAccountKey: key } });
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
    clouds.gcp.removeKeys(ACCOUNT);
    expect(messageOf(await logIn())).toContain('LoginRefused');
    clouds.secrets.set('gcp/key.json', await clouds.gcp.createKey(ACCOUNT));
    expect(await logIn()).toBe('accepted');
    await clouds.gcp.addAccount(ACCOUNT, [NODE]);
  });

  test.each(['no JSON', '{}', '{"client_email": "a", "private_key": "b", "private_key_id": "c"}'])(
    'by a key that is none says so: %s',
    async (text) => {
      clouds.secrets.set('gcp/key.json', text);
      const outcome = await clouds.connection({ gcp: { identityId: 'x', serviceAccountKey: key } })();
      expect(messageOf(outcome)).toMatch(
        /^CloudIdentityUnavailable: .*the key is no JSON of a service account/,
      );
    },
  );

  test('by a key of another service account is refused', async () => {
    await clouds.gcp.addAccount(NODE);
    clouds.secrets.set('gcp/key.json', await clouds.gcp.createKey(NODE));
    const identityId = await iam();
    const outcome = await clouds.connection({ gcp: { identityId, serviceAccountKey: key } })();
    expect(messageOf(outcome)).toMatch(/^LoginRefused: .*spec\.auth\.gcp\.identityId/);
  });

  test('of the operator by an ID token of its machine', async () => {
    const allowed = {
      allowedServiceAccounts: NODE,
      allowedProjects: 'a-project',
      allowedZones: 'europe-west3-a',
    };
    const identityId = await gce(allowed);
    const logIn = clouds.connection({ gcp: { identityId, operatorIdentity: {} } }, ofCluster(environment()));
    expect(await twice(clouds, logIn, identityId)).toEqual(TWO);
  });

  test.each([
    ['project', { allowedProjects: 'another' }],
    ['zone', { allowedZones: 'us-central1-a' }],
    ['service account', { allowedServiceAccounts: ACCOUNT }],
  ])('of the operator is refused for another %s', async (_what, settings) => {
    const identityId = await gce(settings);
    const logIn = clouds.connection({ gcp: { identityId, operatorIdentity: {} } }, ofCluster(environment()));
    expect(messageOf(await logIn())).toContain('LoginRefused');
  });

  test('of the operator with a token that has expired is refused, and accepted with the next', async () => {
    const identityId = await gce();
    const logIn = clouds.connection({ gcp: { identityId, operatorIdentity: {} } }, ofCluster(environment()));
    clouds.gcp.setLife(-10);
    const outcome = await logIn();
    clouds.gcp.setLife(3600);
    expect(messageOf(outcome)).toContain('LoginRefused');
    expect(await logIn()).toBe('accepted');
  });

  test('of the operator has IAM sign for the service account that it impersonates', async () => {
    const identityId = await iam();
    const auth = (impersonate: string): ConnectionAuth => ({
      gcp: { identityId, operatorIdentity: { impersonate } },
    });
    expect(
      await twice(clouds, clouds.connection(auth(ACCOUNT), ofCluster(environment())), identityId),
    ).toEqual(TWO);
    await clouds.gcp.addAccount('other@a-project.iam.gserviceaccount.com');
    const other = auth('other@a-project.iam.gserviceaccount.com');
    expect(messageOf(await clouds.connection(other, ofCluster(environment()))())).toMatch(
      /^CloudIdentityUnavailable: .*status 403/,
    );
  });

  test('of the operator asks no proxy for its metadata', async () => {
    const identityId = await gce();
    const network = {
      rule: { rule: 'administrator' },
      proxies: { http: 'http://127.0.0.1:1/', https: 'http://127.0.0.1:1/', without: '' },
    } as const;
    const auth = { gcp: { identityId, operatorIdentity: {} } };
    const logIn = clouds.connection(auth, { ...ofCluster(environment()), network });
    expect(await logIn()).toBe('accepted');
  });
});
