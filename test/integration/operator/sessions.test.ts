import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { FaultRule } from '../../../sandbox/lease-api/faults.ts';
import type { LeaseApiOptions } from '../../../sandbox/lease-api/options.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import type { FaultCode } from '../../../src/errors.ts';
import {
  conditionOf,
  connectionObjects,
  isReady,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { EARLY_ROTATION } from './support/own-lease.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

type Death = Extract<FaultRule['action'], { type: 'token-death' }>['death'];

/** Objects that share one connection, and so one token. */
const SHARED = 5;

const logins = async ({ api }: OwnServer): Promise<number> =>
  (await api.readLedger()).entries.filter(({ event }) => event === 'login').length;
/** Logins asked for, refused ones too. */
const tries = async ({ api }: OwnServer): Promise<number> =>
  Object.values((await api.counts()).counts['login'] ?? {}).reduce((sum, one) => sum + one, 0);
const wrongLogin = ({ api, identity: { clientId } }: OwnServer): Promise<Response> =>
  fetch(`${api.url}/api/v1/auth/universal-auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ clientId, clientSecret: 'wrong' }),
  });

/** Nothing that ends a token may cost a login for each request. */
describe.concurrent('a session', () => {
  let stage: Stage;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    // A tenth: requests are counted, so none may be given up because the machine is busy.
    operator = await stage.startOperator({ scale: 0.1 });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** A server of its own, and leases of it; all of them ready, after one login. */
  const leased = async (
    name: string,
    options: LeaseApiOptions = {},
    lifeOverride: number | null = null,
  ): Promise<{ server: OwnServer; names: readonly string[] }> => {
    const server = await ownServer(options, { lifeOverride });
    const names = Array.from({ length: SHARED }, (_, index) => `${name}-${String(index)}`);
    await stage.apply(...connectionObjects(server, { name }));
    const spec = { connectionRef: { name }, ...(lifeOverride === null ? {} : EARLY_ROTATION.spec) };
    await stage.apply(...names.map((one) => leaseManifest(one, spec)));
    for (const one of names) await stage.untilReady(one);
    expect(await logins(server)).toBe(1);
    return { server, names };
  };
  const rotate = async (names: readonly string[], value: string): Promise<void> => {
    await stage.kubectl('annotate', 'dsl', ...names, '--overwrite', `leaseholder.dev/rotate=${value}`);
  };
  const untilRotations = async (names: readonly string[], count: number): Promise<void> => {
    for (const one of names)
      await stage.untilLease(one, (lease) => (lease.status.rotations ?? 0) >= count && isReady(lease));
  };

  const deaths: readonly (readonly [what: string, death: Death, options: LeaseApiOptions])[] = [
    ['was revoked (401)', 'revoked', {}],
    ['has expired (403, TokenError)', 'expired', {}],
    ['has passed its TTL', 'ttl-passed', {}],
    ['has no uses left', 'uses-exhausted', {}],
    ['is refused for its address', 'address-refused', {}],
    ['was revoked, on a server of 2024', 'revoked', { profile: '2024' }],
    ['has expired, on a server of 2024 (500, jwt expired)', 'expired', { profile: '2024' }],
  ];

  for (const [index, [what, death, options]] of deaths.entries()) {
    it(`whose token ${what} while ${String(SHARED)} objects use it: one fresh login, and not a word`, async () => {
      const { server, names } = await leased(`dies-${String(index)}`, options);
      await using held = server;
      await held.api.killToken({ identityId: server.identity.identityId, death });
      await rotate(names, 'once');
      await untilRotations(names, 1);

      expect(await logins(server)).toBe(2);
      expect((await server.api.readLedger()).entries.filter(({ event }) => event === 'made')).toHaveLength(
        2 * SHARED,
      );
      for (const one of names) {
        const lease = await stage.lease(one);
        expect(lease?.status).not.toHaveProperty('attempts');
      }
      const said = operator.lines.filter(
        ({ object, level }) => names.some((one) => object === `default/${one}`) && level !== 'info',
      );
      expect(said).toEqual([]);
    });
  }

  interface Refusal {
    readonly reason: FaultCode;
    readonly options?: LeaseApiOptions;
    begin(server: OwnServer): Promise<unknown>;
    end(server: OwnServer): Promise<unknown>;
  }
  const eachRequest = (death: Death): Refusal => ({
    reason: 'TokenRefused',
    begin: ({ api }) =>
      api.armFault({
        match: { times: 'always' },
        action: { type: 'token-death', death },
      }),
    end: ({ api }) => api.disarmFaults(),
  });
  const refusals: Readonly<Record<string, Refusal>> = {
    'somebody has locked its identity by wrong passwords': {
      reason: 'LoginRefused',
      options: { lockout: { threshold: 3, durationMs: 9000 } },
      async begin(server) {
        for (let count = 0; count < 3; count += 1) await wrongLogin(server);
        await server.api.killToken({ identityId: server.identity.identityId, death: 'revoked' });
      },
      // It ends by itself.
      end: () => Promise.resolve(),
    },
    'its address is refused, also with a fresh token': eachRequest('address-refused'),
    'every token is revoked at once': eachRequest('revoked'),
    'every token has expired at once': eachRequest('expired'),
  };

  for (const [index, [what, refusal]] of Object.entries(refusals).entries()) {
    it(`says when ${what}; the leases in use stay, no storm of logins, and rotations go on when it has healed`, async () => {
      const { server, names } = await leased(
        `refused-${String(index)}`,
        refusal.options,
        EARLY_ROTATION.life,
      );
      await using held = server;
      await refusal.begin(held);
      const before = await tries(server);
      const since = Date.now();
      for (const one of names) {
        const faulty = await stage.untilLease(
          one,
          (lease) => conditionOf(lease, 'Reconciling')?.reason === refusal.reason,
        );
        expect(conditionOf(faulty, 'Ready')?.status).toBe('True');
      }
      await awaitCondition(() => Promise.resolve(Date.now() > since + 5000), { what: 'some tries' });
      const passed = Date.now() - since;
      const counted = (await tries(server)) - before;
      // Hold-offs of 100 ms at first, doubled each time, with jitter, to 6 s: about five, however many ask.
      expect(counted).toBeLessThan(15 + passed / 1000);

      await refusal.end(server);
      await untilRotations(names, 1);
      for (const one of names) {
        await stage.untilLease(one, (lease) => conditionOf(lease, 'Reconciling')?.status === 'False');
      }
    });
  }
});
