import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { startIssuer, type Issuer } from '../../../sandbox/issuer/issuer.ts';
import { startOperatorProcess } from '../../../sandbox/operator/operator.ts';
import type { FaultCode } from '../../../src/errors.ts';
import { conditionOf, startStage, type Stage } from '../../support/stage.ts';
import {
  AUDIENCE,
  connectionAndLease,
  keyOf,
  loginsOf,
  mayRequestTokens,
  proofSecret,
  reviewingCluster,
  secretOf,
  seedIdentity,
  serviceAccount,
} from './support/login-scene.ts';

const program = path.join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

type Auth = Readonly<Record<string, unknown>>;

/** One server that verifies what a real one would; each test has an identity and a connection of its own. */
describe.concurrent('a login', () => {
  let stage: Stage;
  let issuer: Issuer;
  let cluster: Awaited<ReturnType<typeof reviewingCluster>>;

  beforeAll(async () => {
    stage = await startStage();
    issuer = await startIssuer();
    cluster = await reviewingCluster(stage);
    await stage.startOperator({ scale: 0.05 });
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await issuer.stop();
  });

  const kubernetes = (settings: Auth = {}): Auth => ({
    ...cluster,
    allowedNamespaces: 'default, shop',
    allowedNames: 'robot-*',
    allowedAudience: AUDIENCE,
    ...settings,
  });
  const signed = (subject: string): Auth => ({
    boundIssuer: issuer.url,
    boundSubject: subject,
    boundAudiences: AUDIENCE,
  });
  const apply = (name: string, auth: Auth): Promise<void> =>
    stage.apply(...connectionAndLease(stage, name, auth));
  const untilReason = async (name: string, reason: FaultCode, words: string): Promise<void> => {
    const lease = await stage.untilLease(name, (one) => conditionOf(one, 'Ready')?.reason === reason);
    expect(conditionOf(lease, 'Ready')?.message).toContain(words);
  };
  /** Ends the session of an identity, and waits until there is another. */
  const untilNextLogin = async (identityId: string): Promise<void> => {
    const before = (await loginsOf(stage, identityId)).length;
    await stage.api.killToken({ identityId, death: 'revoked' });
    const more = async (): Promise<boolean> => (await loginsOf(stage, identityId)).length > before;
    await awaitCondition(more, { what: 'another login', timeoutMs: 30_000 });
  };

  /** A connection's status tells how it logs in a moment after the lease that it served is Ready. */
  const statusOf = async (name: string): Promise<unknown> => (await stage.connection(name))?.status;

  it('by a service account shows a fresh token each time, made for its audience', async () => {
    const name = 'robot-works';
    const identityId = await seedIdentity(stage, { kubernetes: kubernetes() as never });
    await stage.apply(serviceAccount(name), ...mayRequestTokens(name));
    await apply(name, { kubernetes: { identityId, serviceAccountRef: { name, audience: AUDIENCE } } });
    await stage.untilReady(name);
    await expect.poll(() => statusOf(name), { timeout: 30_000 }).toMatchObject({ method: 'kubernetes' });
    await untilNextLogin(identityId);
    const logins = await loginsOf(stage, identityId);
    expect(logins.map(({ method }) => method)).toEqual(['kubernetes', 'kubernetes']);
    expect(new Set(logins.map(({ proof }) => proof)).size).toBe(2);
  });

  const denied: Record<string, { allowed: Auth; audience: string }> = {
    'for another audience': { allowed: {}, audience: 'somebody-else' },
    'of a namespace that is not allowed': { allowed: { allowedNamespaces: 'shop' }, audience: AUDIENCE },
    'of a name that is not allowed': { allowed: { allowedNames: 'human' }, audience: AUDIENCE },
  };
  it.each(Object.entries(denied))(
    'by a service account is refused %s',
    async (what, { allowed, audience }) => {
      const name = `robot-${what.replaceAll(' ', '-')}`;
      const identityId = await seedIdentity(stage, { kubernetes: kubernetes(allowed) as never });
      await stage.apply(serviceAccount(name), ...mayRequestTokens(name));
      await apply(name, { kubernetes: { identityId, serviceAccountRef: { name, audience } } });
      await untilReason(name, 'LoginRefused', 'spec.auth.kubernetes.identityId');
      expect(await loginsOf(stage, identityId)).toEqual([]);
    },
  );

  it('by a service account says which right is missing, and works when it is there', async () => {
    const name = 'robot-without-rights';
    const identityId = await seedIdentity(stage, { kubernetes: kubernetes() as never });
    await apply(name, { kubernetes: { identityId, serviceAccountRef: { name, audience: AUDIENCE } } });
    await untilReason(name, 'TokenRequestForbidden', `resourceNames has ${name}`);
    await stage.apply(...mayRequestTokens(name));
    await untilReason(name, 'ServiceAccountNotFound', `ServiceAccount ${name}`);
    await stage.apply(serviceAccount(name));
    await stage.untilReady(name);
    expect(await loginsOf(stage, identityId)).toHaveLength(1);
  });

  it('by the cluster as an OpenID issuer is verified with keys that the server finds', async () => {
    const name = 'robot-oidc';
    // What makes an issuer public: everybody may read its keys.
    await stage.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'public-issuer' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'system:service-account-issuer-discovery',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }],
    });
    const identityId = await seedIdentity(stage, {
      oidc: {
        boundIssuer: 'https://kubernetes.default.svc',
        oidcDiscoveryUrl: stage.plane.server,
        caCert: cluster.caCert,
        boundSubject: `system:serviceaccount:default:${name}`,
        boundAudiences: AUDIENCE,
      },
    });
    await stage.apply(serviceAccount(name), ...mayRequestTokens(name));
    await apply(name, { oidc: { identityId, serviceAccountRef: { name, audience: AUDIENCE } } });
    await stage.untilReady(name);
    await expect.poll(() => statusOf(name), { timeout: 30_000 }).toMatchObject({ method: 'oidc' });
    await untilNextLogin(identityId);
  });

  const settings = {
    oidc: (subject: string) => ({ oidc: signed(subject) as never }),
    jwt: (subject: string) => ({ jwt: { ...signed(subject), jwksUrl: issuer.jwksUrl } as never }),
  } as const;
  const methods = ['oidc', 'jwt'] as const;

  it.each(methods)('by %s with a token of a Secret takes the one that lies there now', async (method) => {
    const name = `proof-${method}`;
    const identityId = await seedIdentity(stage, settings[method](name));
    const proof = (): Promise<string> => issuer.sign({ sub: name, aud: AUDIENCE });
    await stage.apply(proofSecret(`${name}-proof`, await proof()));
    await apply(name, { [method]: { identityId, secretKeyRef: { name: `${name}-proof`, key: 'token' } } });
    await stage.untilReady(name);
    await stage.apply(proofSecret(`${name}-proof`, await proof()));
    await untilNextLogin(identityId);
    const logins = await loginsOf(stage, identityId);
    expect(new Set(logins.map((login) => login.method))).toEqual(new Set([method]));
    expect(new Set(logins.map((login) => login.proof)).size).toBe(2);
  });

  const wrong: Record<string, (name: string) => Promise<string>> = {
    'of another issuer': (name) =>
      issuer.sign({ sub: name, aud: AUDIENCE, iss: 'https://elsewhere.example' }),
    'of somebody else': (name) => issuer.sign({ sub: `${name}-not`, aud: AUDIENCE }),
    'for somebody else': (name) => issuer.sign({ sub: name, aud: 'elsewhere' }),
    'that has expired': (name) => issuer.sign({ sub: name, aud: AUDIENCE }, { lifeSeconds: -60 }),
    'that was changed after it was signed': async (name) => {
      const parts = (await issuer.sign({ sub: `${name}-not`, aud: AUDIENCE })).split('.');
      const claims = Buffer.from(parts[1] ?? '', 'base64url')
        .toString()
        .replace(`${name}-not`, name);
      return parts.with(1, Buffer.from(claims).toString('base64url')).join('.');
    },
  };
  const refusals = methods.flatMap((method) => Object.keys(wrong).map((what) => [method, what] as const));

  it.each(refusals)(
    'by %s is refused with a token %s, and accepted with a good one',
    async (method, what) => {
      const name = `wrong-${method}-${what.replaceAll(' ', '-')}`;
      const identityId = await seedIdentity(stage, settings[method](name));
      await stage.apply(proofSecret(`${name}-proof`, (await wrong[what]?.(name)) ?? ''));
      await apply(name, { [method]: { identityId, secretKeyRef: { name: `${name}-proof`, key: 'token' } } });
      await untilReason(name, 'LoginRefused', `spec.auth.${method}.identityId`);
      expect(await loginsOf(stage, identityId)).toEqual([]);
      await stage.apply(proofSecret(`${name}-proof`, await issuer.sign({ sub: name, aud: AUDIENCE })));
      await stage.untilReady(name);
      expect((await loginsOf(stage, identityId)).length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['oidc', 'LoginRefused'],
    // It fails over a key that it was not given.
    ['jwt', 'ServerFailed'],
  ] as const)('by %s with a token of an unknown key says so with %s', async (method, reason) => {
    const name = `unknown-key-${method}`;
    await using other = await startIssuer();
    const identityId = await seedIdentity(stage, settings[method](name));
    const proof = await other.sign({ sub: name, aud: AUDIENCE, iss: issuer.url });
    await stage.apply(proofSecret(`${name}-proof`, proof));
    await apply(name, { [method]: { identityId, secretKeyRef: { name: `${name}-proof`, key: 'token' } } });
    await untilReason(name, reason, 'spec.auth');
    expect(await loginsOf(stage, identityId)).toEqual([]);
  });

  it('by a user of a directory is refused with a wrong password, and works with the one that is put there', async () => {
    const name = 'directory';
    const users = { ann: { password: 'the-password', attributes: {} } };
    const identityId = await seedIdentity(stage, { ldap: { users } });
    const user = { username: keyOf('ann', 'username'), password: keyOf('ann', 'password') };
    await stage.apply(secretOf('ann', { username: 'ann', password: 'wrong' }));
    await apply(name, { ldap: { identityId, ...user } });
    await untilReason(name, 'LoginRefused', 'spec.auth.ldap.identityId');
    expect(await loginsOf(stage, identityId)).toEqual([]);
    await stage.apply(secretOf('ann', { username: 'ann', password: 'the-password\n' }));
    await stage.untilReady(name);
    const told = async (): Promise<boolean> => (await stage.connection(name))?.status.method === 'ldap';
    await awaitCondition(told, { what: 'the status to tell the method', timeoutMs: 30_000 });
    // A try that was due anyway, and one for the change that was noticed: one or both.
    expect(new Set((await loginsOf(stage, identityId)).map(({ method }) => method))).toEqual(
      new Set(['ldap']),
    );
    await using check = startOperatorProcess({
      kubeconfig: stage.kubeconfig,
      entry: [program, 'check'],
      flags: ['--connection', `default/${name}`],
    });
    expect(await check.ended()).toBe(0);
    expect(check.output()).toMatch(/ok +login +http/);
    expect(check.output()).not.toContain('the-password');
  });

  it('is for the organisation that the connection names', async () => {
    const identity = await stage.api.seedIdentity({
      organizationSlug: 'acme',
      grants: [{ projectSlug: 'shop', actions: ['lease'] }],
    });
    const { identityId, clientId, clientSecret } = identity;
    const name = 'organisation';
    const key = (one: string): object => ({ secretKeyRef: { name: `${name}-login`, key: one } });
    const universal = { clientId: key('clientId'), clientSecret: key('clientSecret') };
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `${name}-login`, namespace: 'default' },
      stringData: { clientId, clientSecret },
    });
    await apply(name, { universal: { ...universal, organizationSlug: 'other' } });
    await untilReason(name, 'LoginRefused', 'spec.auth.universal');
    await apply(name, { universal: { ...universal, organizationSlug: 'acme' } });
    await stage.untilReady(name);
    expect((await loginsOf(stage, identityId)).map(({ method }) => method)).toEqual(['universal']);
  });
});
