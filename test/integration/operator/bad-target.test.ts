import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import type { Profile } from '../../../sandbox/lease-api/refusal.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import type { FaultCode } from '../../../src/errors.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { LATER_ROTATION } from './support/own-lease.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

/** Something that keeps a server from giving a lease, and how that goes away. */
interface Trouble {
  readonly reason: FaultCode;
  /** What the message must name. */
  readonly says: readonly string[];
  /** Parts of the spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly profiles?: readonly Profile[];
  /** Whether it can also come later, when a lease is there already. */
  readonly later?: true;
  arrange(server: OwnServer): Promise<unknown>;
  mend(server: OwnServer): Promise<unknown>;
}

const shop = { projectSlug: 'shop', environmentSlug: 'prod' };
const orders = { ...shop, name: 'orders' };
const everyProfile: readonly Profile[] = ['current', '2024'];
const nothing = (): Promise<void> => Promise.resolve();

/** A request for a lease that meets the same fault each time. */
const atEachRequest = (action: FaultRule['action']): Pick<Trouble, 'arrange' | 'mend' | 'later'> => ({
  arrange: ({ api }) => api.armFault({ match: { route: 'lease-create', times: 'always' }, action }),
  mend: ({ api }) => api.disarmFaults(),
  later: true,
});

const troubles: Readonly<Record<string, Trouble>> = {
  'the project does not exist': {
    reason: 'TargetNotFound',
    says: ['project nowhere', 'spec.dynamicSecret'],
    spec: { dynamicSecret: { ...orders, projectSlug: 'nowhere' } },
    profiles: everyProfile,
    arrange: nothing,
    async mend({ api, identity: { identityId } }) {
      await api.seedDynamicSecret({ ...orders, projectSlug: 'nowhere' });
      await api.setGrants({ identityId, grants: [{ projectSlug: 'nowhere' }] });
    },
  },
  'the environment does not exist': {
    reason: 'TargetNotFound',
    says: ['environment nowhere', 'spec.dynamicSecret'],
    spec: { dynamicSecret: { ...orders, environmentSlug: 'nowhere' } },
    profiles: everyProfile,
    arrange: nothing,
    mend: ({ api }) => api.seedDynamicSecret({ ...orders, environmentSlug: 'nowhere' }),
  },
  'the path does not exist': {
    reason: 'TargetNotFound',
    says: ['path /no/where', 'spec.dynamicSecret'],
    spec: { dynamicSecret: { ...orders, path: '/no/where' } },
    profiles: everyProfile,
    arrange: nothing,
    mend: ({ api }) => api.seedDynamicSecret({ ...orders, path: '/no/where' }),
  },
  'the dynamic secret does not exist': {
    reason: 'TargetNotFound',
    says: ['dynamic secret nothing', 'spec.dynamicSecret'],
    spec: { dynamicSecret: { ...orders, name: 'nothing' } },
    profiles: everyProfile,
    arrange: nothing,
    mend: ({ api }) => api.seedDynamicSecret({ ...orders, name: 'nothing' }),
  },
  'the ttl is over the maximum': {
    reason: 'TTLTooLong',
    says: ['spec.ttl (3h)', 'maximum', 'dynamic secret short'],
    spec: { ttl: '3h', dynamicSecret: { ...orders, name: 'short' } },
    profiles: everyProfile,
    arrange: ({ api }) => api.seedDynamicSecret({ ...orders, name: 'short', maxTTL: '2h' }),
    async mend({ api, identity: { identityId } }) {
      const { accessToken } = await api.mintToken({ identityId });
      const answer = await fetch(`${api.url}/api/v1/dynamic-secrets/short`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...shop, path: '/', data: { maxTTL: '4h' } }),
      });
      expect(answer.status).toBe(200);
    },
  },
  'the identity may not lease': {
    reason: 'PermissionDenied',
    says: ['may not create a lease', 'dynamic secret orders', '"lease" permission'],
    later: true,
    arrange: ({ api, identity: { identityId } }) =>
      api.setGrants({ identityId, grants: [{ projectSlug: 'shop', actions: ['read-root-credential'] }] }),
    mend: ({ api, identity: { identityId } }) =>
      api.setGrants({ identityId, grants: [{ projectSlug: 'shop' }] }),
  },
  'the identity is no member of the project': {
    reason: 'PermissionDenied',
    says: ['may not create a lease', 'project shop'],
    profiles: everyProfile,
    arrange: ({ api, identity: { identityId } }) => api.setGrants({ identityId, grants: [] }),
    mend: ({ api, identity: { identityId } }) =>
      api.setGrants({ identityId, grants: [{ projectSlug: 'shop' }] }),
  },
  'the limit of leases is reached': {
    reason: 'LeaseLimitReached',
    says: ['limit of leases', 'dynamic secret orders'],
    later: true,
    arrange: ({ api }) => api.setSwitches({ leaseLimit: 0 }),
    mend: ({ api }) => api.setSwitches({ leaseLimit: null }),
  },
  'the licence has no dynamic secrets': {
    reason: 'PlanRestricted',
    says: ['licence of http://127.0.0.1'],
    later: true,
    arrange: ({ api }) => api.setSwitches({ licensed: false }),
    mend: ({ api }) => api.setSwitches({ licensed: true }),
  },
  'the type takes no config': {
    reason: 'RequestRefused',
    says: ['spec.config', 'status 400'],
    spec: { config: { namespace: 'team' } },
    ...atEachRequest({ type: 'config-refused', status: 400 }),
  },
  'the server is under maintenance': {
    reason: 'ServerFailed',
    says: ['status 500', 'create a lease'],
    later: true,
    arrange: ({ api }) => api.setSwitches({ maintenance: true }),
    mend: ({ api }) => api.setSwitches({ maintenance: false }),
  },
  'the server limits the rate': {
    reason: 'RateLimited',
    says: ['limits the rate of requests'],
    ...atEachRequest({ type: 'status', status: 429, retryAfterSeconds: 1 }),
  },
  'the server fails': {
    reason: 'ServerFailed',
    says: ['status 500', 'create a lease'],
    ...atEachRequest({ type: 'status', status: 500 }),
  },
  'the database behind it fails': {
    reason: 'ServerFailed',
    says: ['status 500', 'create a lease'],
    ...atEachRequest({ type: 'driver-error' }),
  },
  'a gateway answers in its place': {
    reason: 'ServerFailed',
    says: ['status 502'],
    ...atEachRequest({ type: 'status', status: 502, body: 'html' }),
  },
  'a page of HTML comes back': {
    reason: 'UnexpectedAnswer',
    says: ['a body that is not JSON', 'spec.hostAPI'],
    ...atEachRequest({ type: 'html' }),
  },
  'the answer is cut off': {
    reason: 'UnexpectedAnswer',
    says: ['a body that is not valid JSON'],
    ...atEachRequest({ type: 'truncated' }),
  },
  'the connection breaks each time': {
    reason: 'NoAnswer',
    says: ['did not answer the request to create a lease'],
    ...atEachRequest({ type: 'answer-lost', when: 'before' }),
  },
  'every token dies on its way': {
    reason: 'TokenRefused',
    says: ['refused the access token', 'a fresh one too'],
    ...atEachRequest({ type: 'token-death', death: 'revoked' }),
  },
};

const cases = Object.entries(troubles).flatMap(([what, trouble], index) =>
  (trouble.profiles ?? ['current' as const]).map((profile) => ({
    what: trouble.profiles === undefined ? what : `${what} (${profile} server)`,
    name: `case-${String(index)}-${profile}`,
    profile,
    trouble,
  })),
);

function manifest(name: string, spec: Trouble['spec']): object {
  return leaseManifest(name, { connectionRef: { name }, ...spec });
}

describe.concurrent('a lease', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    operator = await stage.startOperator({ scale: 0.05 });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const connect = (server: OwnServer, name: string): Promise<void> =>
    stage.apply(...connectionObjects(server, { name }));

  it.each(cases)('says when $what, and begins when that has gone', async ({ name, profile, trouble }) => {
    await using server = await ownServer({ profile });
    await connect(server, name);
    await stage.kubectl('wait', '--for=condition=Ready', `infisicalconnection/${name}`, '--timeout=60s');
    await trouble.arrange(server);
    await stage.apply(manifest(name, trouble.spec));
    const lease = await stage.untilLease(name, (one) => conditionOf(one, 'Ready')?.reason === trouble.reason);

    expect(conditionOf(lease, 'Ready')?.status).toBe('False');
    for (const words of trouble.says) expect(conditionOf(lease, 'Ready')?.message).toContain(words);
    expect(conditionOf(lease, 'Reconciling')).toMatchObject({ status: 'True', reason: trouble.reason });
    expect(conditionOf(lease, 'Stalled')?.status).toBe('False');
    expect(lease.status.attempts?.reason).toBe(trouble.reason);
    expect(await stage.secret(name)).toBeUndefined();

    await trouble.mend(server);
    const healed = await stage.untilReady(name);
    expect(healed.status).not.toHaveProperty('attempts');
    expect((await server.api.live()).leases.map(({ leaseId }) => leaseId)).toEqual([healed.status.lease?.id]);
    const password = (await stage.secret(name))?.['DB_PASSWORD'] ?? '';
    for (const credential of [server.identity.clientSecret, password, 'Secr3t-Of-A-Failed-Statement'])
      expect(operator.output()).not.toContain(credential);
  });

  it.each(cases.filter(({ trouble }) => trouble.later))(
    'in use stays as it is while $what, and is replaced when that has gone',
    async ({ name: first, profile, trouble }) => {
      const name = `later-${first}`;
      await using server = await ownServer({ profile }, { firstLife: LATER_ROTATION.life });
      await connect(server, name);
      await stage.apply(manifest(name, LATER_ROTATION.spec));
      const before = await stage.untilReady(name);
      const data = await stage.secret(name);
      await trouble.arrange(server);
      const spec = { ...LATER_ROTATION.spec, ...trouble.spec };
      if (trouble.spec !== undefined) await stage.apply(manifest(name, spec));
      const faulty = await stage.untilLease(
        name,
        (one) => conditionOf(one, 'Reconciling')?.reason === trouble.reason,
      );

      expect(conditionOf(faulty, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
      expect(conditionOf(faulty, 'Reconciling')?.status).toBe('True');
      expect(conditionOf(faulty, 'Stalled')?.status).toBe('False');
      expect(faulty.status.lease?.id).toBe(before.status.lease?.id);
      expect(await stage.secret(name)).toEqual(data);

      await trouble.mend(server);
      const healed = await stage.untilLease(name, ({ status }) => status.rotations === 1);
      expect(conditionOf(healed, 'Ready')?.status).toBe('True');
      expect(conditionOf(healed, 'Reconciling')).toMatchObject({ status: 'False', reason: 'Settled' });
      // Ready all along: it never changed.
      expect(conditionOf(healed, 'Ready')?.lastTransitionTime).toBe(
        conditionOf(before, 'Ready')?.lastTransitionTime,
      );
    },
  );
});
