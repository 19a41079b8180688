import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { freePorts } from '../../../sandbox/control-plane/ports.ts';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import { PROFILES } from '../../../sandbox/lease-api/refusal.ts';
import { startIssuer } from '../../../sandbox/issuer/issuer.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { startPostgres } from '../../../sandbox/postgres/start.ts';
import { conditionOf, connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { playDeclared } from './support/declared-canary.ts';
import { startKubeProxy, type KubeProxy } from './support/kube-proxy.ts';
import {
  AUDIENCE,
  connectionAndLease,
  keyOf,
  mayRequestTokens,
  proofSecret,
  reviewingCluster,
  secretOf,
  seedIdentity,
  serviceAccount,
} from './support/login-scene.ts';
import { ownLease } from './support/own-lease.ts';

/** Milliseconds: with waits at a twentieth a lease of this life is used for some four seconds of it. */
const SHORT_LIFE = 12_000;

/** Every credential of this test holds this word, so that one search finds them all. */
const CANARY = 'cAnArY';

/**
 * What a JSON web token looks like, in whole or in part: the access tokens are the server's own. A header that
 * opens with `alg`, `typ` or `kid`, or what follows a dot; a random name that holds `eyJ` is neither.
 */
const TOKEN = /eyJ(?:hbGci|0eXAi|raWQi)|\.eyJ[A-Za-z0-9_-]{10,}/;

function data(which: string): Record<string, unknown> {
  return {
    DB_USERNAME: 'somebody',
    DB_PASSWORD: `${CANARY}-password-of-${which}`,
    nested: { list: [`${CANARY}-in-a-list`], [`${CANARY}-key`]: 1 },
  };
}

/** I6: credentials stay out of everything but the Secrets that they are for, whatever goes wrong. */
describe('a credential', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess;
  let metricsAddress: string;
  const declared: string[] = [];

  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    const [port = 0] = await freePorts(1);
    metricsAddress = `127.0.0.1:${String(port)}`;
    operator = await stage.startOperator({
      scale: 0.05,
      kubeconfig: proxy.kubeconfig,
      flags: ['--log-level', 'trace', '--listen', metricsAddress],
    });
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  const connect = async (name: string, clientSecret: string, presented = clientSecret): Promise<void> => {
    const seeded = await stage.api.seedIdentity({ clientSecret, grants: [{ projectSlug: 'shop' }] });
    const parts = { api: stage.api, identity: seeded };
    await stage.apply(...connectionObjects(parts, { name, clientSecret: presented }));
  };
  const arm = (
    dynamicSecret: string,
    action: FaultRule['action'],
    route?: 'lease-delete',
  ): Promise<unknown> =>
    stage.api.armFault({ match: { dynamicSecret, route: route ?? 'lease-create' }, action });
  const everything = (rest: string): Promise<string> =>
    stage.kubectl('get', rest, '--all-namespaces', '-o', 'json');

  it('goes through a whole life with every fault on the way', { timeout: 180_000 }, async () => {
    await connect('infisical', `${CANARY}-client-secret`);
    await connect('refused', `${CANARY}-other-secret`, `${CANARY}-wrong-secret`);

    const whole = await ownLease(stage, 'whole', { data: data('the-first'), lifeOverride: SHORT_LIFE });
    await whole.apply({ config: { note: 'seen' } });
    await stage.untilReady('whole');

    // Answers that are lost, cut, mangled or refused on the side of the server.
    const actions: readonly FaultRule['action'][] = [
      { type: 'answer-lost', when: 'after' },
      { type: 'truncated', cut: 'body' },
      { type: 'truncated', cut: 'connection' },
      { type: 'content-type', value: 'text/plain' },
      { type: 'huge-body', bytes: 2_000_000 },
      { type: 'status', status: 500, when: 'after' },
      { type: 'driver-error', password: `${CANARY}-in-a-statement` },
      { type: 'token-death', death: 'revoked' },
      { type: 'config-refused', status: 422 },
      { type: 'config-refused', status: 400 },
      { type: 'html' },
    ];
    const faulty = await Promise.all(
      actions.map(async (action, index) => {
        const own = await ownLease(stage, `faulty-${String(index)}`, { data: data(action.type) });
        await arm(own.name, action);
        await own.apply();
        return own.name;
      }),
    );

    // Data that cannot become a Secret, in key and in size.
    const odd = await ownLease(stage, 'odd', { data: { [`${CANARY} key`]: `${CANARY}-odd` } });
    await odd.apply();
    const strange = await ownLease(stage, 'strange', { data: `${CANARY}-no-object` });
    await strange.apply();

    // Answers of the Kubernetes API that quote what they refuse.
    const quoting = await ownLease(stage, 'quoting', { data: data('a-quoted-write') });
    const message = `Secret "quoting" is invalid: data: Invalid value: "${CANARY}-quoted"`;
    proxy.meet('POST secrets', 'quoting', { do: 'answer', status: 422, reason: 'Invalid', message });
    await quoting.apply();

    // A Secret of somebody else, and a connection that cannot log in.
    const metadata = { name: 'foreign', namespace: 'default' };
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      stringData: { a: `${CANARY}-of-somebody-else` },
    });
    const foreign = await ownLease(stage, 'foreign', { data: data('a-foreign-secret') });
    await foreign.apply();
    const locked = await ownLease(stage, 'locked');
    await locked.apply({ connectionRef: { name: 'refused' } });

    for (const name of faulty) await stage.untilReady(name, 60_000);
    await stage.untilReady('quoting');
    for (const [name, reason] of [
      ['odd', 'SecretInvalid'],
      ['strange', 'UnexpectedAnswer'],
      ['foreign', 'SecretConflict'],
      ['locked', 'LoginRefused'],
    ] as const)
      await stage.untilLease(name, (lease) => conditionOf(lease, 'Ready')?.reason === reason);
    await stage.untilLease('whole', ({ status }) => (status.rotations ?? 0) >= 1);
    expect((await stage.secret('faulty-0'))?.['DB_PASSWORD']).toContain(CANARY);

    // The end, with a provider that quotes its statement when it fails.
    await arm(
      'whole',
      { type: 'revocation-fails', message: `ALTER ROLE "x" PASSWORD '${CANARY}-in-a-refusal'; failed` },
      'lease-delete',
    );
    await stage.kubectl('delete', 'dsl', 'whole', ...faulty.slice(0, 5), '--wait=false');
    for (const name of ['whole', ...faulty.slice(0, 5)]) await stage.untilGone(name);
    // One look more at everything that has gone wrong.
    const seen = failuresIn(operator);
    await awaitCondition(() => Promise.resolve(failuresIn(operator) > seen + 3), { what: 'further tries' });
  });

  it('of each way to log in is shown, refused and lost', { timeout: 120_000 }, async () => {
    await using issuer = await startIssuer();
    const proof = { secretKeyRef: { name: 'proof', key: 'token' } };
    const signed = await issuer.sign({ sub: 'x', aud: `${CANARY}-audience` });
    await stage.apply(
      proofSecret('proof', signed),
      proofSecret('nonsense', `${CANARY}-no-token`),
      serviceAccount('by-kubernetes'),
      ...mayRequestTokens('by-kubernetes'),
    );
    const nonsense = { secretKeyRef: { name: 'nonsense', key: 'token' } };
    const kubernetes = { ...(await reviewingCluster(stage)), allowedAudience: AUDIENCE };
    const identityId = await seedIdentity(stage, {
      kubernetes,
      oidc: { boundIssuer: issuer.url, boundAudiences: 'others' },
      jwt: { jwksUrl: issuer.jwksUrl },
      ldap: { users: { [`${CANARY}-user`]: { password: `${CANARY}-password`, attributes: {} } } },
    });
    const robot = { name: 'by-kubernetes', audience: AUDIENCE };
    // What the API server says of a request for a token, and a token that is made and never arrives.
    const message = `Invalid value: "${CANARY}-quoted"`;
    const request = 'POST serviceaccounts/token';
    const accept = proxy.when(({ what, name }) =>
      what === request && name === robot.name
        ? { do: 'answer', status: 422, reason: 'Invalid', message }
        : undefined,
    );
    const user = (password: string): object => ({
      identityId,
      username: keyOf('user', 'username'),
      password: keyOf('user', password),
    });
    const words = { username: 'user', password: 'password', wrong: 'wrong-password' };
    const said = Object.entries(words).map(([key, word]) => [key, `${CANARY}-${word}`] as const);
    await stage.apply(secretOf('user', Object.fromEntries(said)));
    const ways: Readonly<Record<string, object>> = {
      'by-ldap': { ldap: user('password') },
      'by-ldap-nonsense': { ldap: user('wrong') },
      'by-token': { token: nonsense },
      'by-oidc': { oidc: { identityId, ...proof } },
      'by-oidc-nonsense': { oidc: { identityId, ...nonsense } },
      'by-jwt-nonsense': { jwt: { identityId, ...nonsense } },
      'by-jwt': { jwt: { identityId, ...proof } },
      'by-kubernetes': { kubernetes: { identityId, serviceAccountRef: robot } },
    };
    for (const [name, auth] of Object.entries(ways)) {
      await stage.apply(...connectionAndLease(stage, name, { ...auth }));
    }
    for (const [name, reason] of [
      ['by-token', 'TokenRefused'],
      ['by-oidc', 'LoginRefused'],
      ['by-oidc-nonsense', 'LoginRefused'],
      ['by-jwt-nonsense', 'LoginRefused'],
      ['by-ldap-nonsense', 'LoginRefused'],
      ['by-kubernetes', 'TokenRequestRefused'],
    ] as const)
      await stage.untilLease(name, (lease) => conditionOf(lease, 'Ready')?.reason === reason);
    proxy.meet(request, robot.name, { do: 'lose' });
    accept();
    await stage.untilReady('by-jwt');
    await stage.untilReady('by-ldap');
    await stage.untilReady('by-kubernetes');
    const { entries } = await stage.api.readLedger();
    const accepted = entries.filter(({ event, by }) => event === 'login' && by === identityId);
    expect(new Set(accepted.map(({ method }) => method))).toEqual(new Set(['jwt', 'kubernetes', 'ldap']));
  });

  it(
    'among the inputs of a dynamic secret meets everything that goes wrong with one',
    {
      timeout: 240_000,
    },
    async () => {
      await using postgres = await startPostgres();
      const played = await Promise.all(
        PROFILES.map((profile) => playDeclared(stage, postgres, { profile, word: CANARY })),
      );
      declared.push(...played.flatMap(({ statuses }) => statuses));
      const inWords: unknown = expect.stringContaining(`role "${CANARY}-in-a-revocation" does not exist`);
      expect(played.map(({ quoted }) => quoted)).toEqual([inWords, inWords]);
    },
  );

  it('was logged at the finest level', () => {
    expect(operator.lines.some(({ level }) => level === 'debug')).toBe(true);
    expect(operator.lines.length).toBeGreaterThan(50);
  });

  const places: Readonly<Record<string, () => Promise<string>>> = {
    'a line of the log': () => Promise.resolve(operator.output()),
    'the status of a lease': () => everything('dynamicsecretleases'),
    'the status of a connection': () => everything('infisicalconnections'),
    'a declared dynamic secret and its status': () => Promise.resolve(declared.join('\n')),
    'an event': () => everything('events'),
    'a metric': async () => (await fetch(`http://${metricsAddress}/metrics`)).text(),
    'the metadata of a Secret': async () =>
      (await stage.kubectl('get', 'secrets', '-o', 'jsonpath={range .items[*]}{.metadata}{end}')).replaceAll(
        // What kubectl itself notes of an applied object.
        /"kubectl\.kubernetes\.io\/last-applied-configuration":"(?:[^"\\]|\\.)*"/g,
        '',
      ),
    'the audit log of the API server': () => readFile(stage.plane.auditLog, 'utf8'),
  };

  it.each(Object.entries(places))('is never in %s', async (_place, read) => {
    const text = await read();
    expect(text).not.toBe('');
    expect(leaks(text)).toEqual([]);
  });

  it('is in the Secrets that it is for, where the same search finds it', async () => {
    expect(leaks(await everything('secrets')).length).toBeGreaterThan(10);
    expect(leaks(`a line\n{"text":"x-${CANARY}"}`)).toHaveLength(1);
    expect(leaks('Bearer eyJhbGciOiJIUzI1NiJ9')).toHaveLength(1);
    expect(leaks('"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9')).toHaveLength(1);
    expect(leaks('a part.eyJpZGVudGl0eUlkIjoi')).toHaveLength(1);
    expect(leaks('"externalEntityId": "CYQJm0eQYOyDzdNmUeyJXSfqrMdsGCrI"')).toEqual([]);
  });
});

function failuresIn({ lines }: OperatorProcess): number {
  return lines.filter(({ msg }) => msg === 'A step failed.').length;
}

/** The beginnings of the lines that hold a credential, as it is or in base64 at any of its three alignments. */
function leaks(text: string): readonly string[] {
  const encoded = [0, 1, 2].map((shift) => {
    const base64 = Buffer.from('x'.repeat(shift) + CANARY).toString('base64');
    // What stands before and after changes the characters at both ends.
    return base64.slice(shift === 0 ? 0 : shift + 1, 8 + shift);
  });
  const words = [CANARY, ...encoded];
  return text
    .split('\n')
    .filter((line) => TOKEN.test(line) || words.some((word) => line.includes(word)))
    .map((line) => line.slice(0, 500));
}
