import { describe, expect, test } from 'vitest';

import { type FaultCode, fault, FaultError } from '../../../src/errors.ts';
import type { AccessToken } from '../../../src/infisical/auth/access-token.ts';
import { createSession, type Session, type SessionState } from '../../../src/infisical/session.ts';
import { standardTiming } from '../../../src/timing.ts';
import { type VirtualClock, virtualClock, type VirtualClockOptions } from '../../support/virtual-clock.ts';
import { rejection } from './pump.ts';
import { recordedTelemetry } from './telemetry.ts';

const HOST = 'https://infisical.example';
const LIFE = 100_000;

type Login = () => AccessToken | FaultError | Promise<AccessToken>;

interface Setting {
  readonly session: Session;
  readonly clock: VirtualClock;
  readonly changes: readonly SessionState[];
  readonly counts: readonly (readonly unknown[])[];
  /** How many logins there were. */
  readonly logins: () => number;
  /** What further logins bring. */
  readonly login: (next: Login) => void;
}

/** A session whose logins bring tokens t1, t2, … that live for 100 s. */
function setting(options: VirtualClockOptions = {}): Setting {
  const clock = virtualClock(options);
  const { log, metrics, counts } = recordedTelemetry();
  const changes: SessionState[] = [];
  let logins = 0;
  let next: Login = () => ({ value: `t${String(logins)}`, life: LIFE });
  const session = createSession({
    host: HOST,
    way: 'universal',
    login: async () => {
      logins += 1;
      const outcome = await next();
      if (outcome instanceof FaultError) throw outcome;
      return outcome;
    },
    clock,
    now: () => 1000,
    timing: standardTiming,
    log,
    metrics,
    onChange: (state) => changes.push(state),
  });
  return {
    session,
    clock,
    changes,
    counts,
    logins: () => logins,
    login: (login) => {
      next = login;
    },
  };
}

const loginRefused = new FaultError(fault('LoginRefused', { host: HOST, status: 401, method: 'universal' }));

async function codeOf(token: Promise<string>): Promise<FaultCode> {
  return (await rejection(token, FaultError)).fault.code;
}

describe('logging in', () => {
  test('two hundred who ask at once cause one login', async () => {
    const { session, logins } = setting();
    const tokens = await Promise.all(Array.from({ length: 200 }, () => session.token()));
    expect(new Set(tokens)).toEqual(new Set(['t1']));
    expect(logins()).toBe(1);
  });

  test('two hundred who ask at once are refused by one login', async () => {
    const { session, logins, login } = setting();
    login(() => loginRefused);
    const codes = await Promise.all(Array.from({ length: 200 }, () => codeOf(session.token())));
    expect(new Set(codes)).toEqual(new Set(['LoginRefused']));
    expect(logins()).toBe(1);
  });

  const lives: Record<string, { life: number | undefined; wait: number; logins: number }> = {
    'a token is used until 80 % of its life': { life: LIFE, wait: 79_999, logins: 1 },
    'a token is replaced from 80 % of its life': { life: LIFE, wait: 80_000, logins: 2 },
    'a token without an end is never replaced': { life: undefined, wait: 1e12, logins: 1 },
  };

  test.each(Object.entries(lives))('%s', async (_sentence, expected) => {
    const { session, clock, logins, login } = setting();
    login(() => ({ value: 't', life: expected.life }));
    await session.token();
    clock.advance(expected.wait);
    await session.token();
    expect(logins()).toBe(expected.logins);
  });

  test("a token's life counts from before its login", async () => {
    const { session, clock, logins, login } = setting();
    login(() => {
      clock.advance(30_000);
      return { value: 't', life: LIFE };
    });
    await session.token();
    clock.advance(50_000);
    await session.token();
    expect(logins()).toBe(2);
  });
});

describe('a login that fails', () => {
  test('is not tried again before its hold-off is over, and says when that is', async () => {
    const { session, clock, logins, login } = setting({ random: [1] });
    login(() => loginRefused);
    expect((await rejection(session.token(), FaultError)).fault.retryAfter).toBe(2000);
    clock.advance(500);
    const again = await rejection(session.token(), FaultError);
    expect(again.fault).toMatchObject({
      code: 'LoginRefused',
      message: loginRefused.message,
      retryAfter: 1500,
    });
    expect(logins()).toBe(1);
    clock.advance(1500);
    await rejection(session.token(), FaultError);
    expect(logins()).toBe(2);
  });

  test('waits twice as long each time, up to the cap, and never less than the base', async () => {
    for (const [random, waits] of [
      [1, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]],
      [0, [1000, 1000, 1000, 1000, 1000, 1000, 1000]],
    ] as const) {
      const { session, clock, login } = setting({ random: [random] });
      login(() => loginRefused);
      for (const wait of waits) {
        expect((await rejection(session.token(), FaultError)).fault.retryAfter).toBe(wait);
        clock.advance(wait);
      }
    }
  });

  test('waits as long as the server asks', async () => {
    const { session, login } = setting();
    login(() => new FaultError(fault('RateLimited', { host: HOST }, 45_000)));
    expect((await rejection(session.token(), FaultError)).fault.retryAfter).toBe(45_000);
  });

  test('is over with the first that succeeds', async () => {
    const { session, clock, login, changes } = setting({ random: [1] });
    login(() => loginRefused);
    await rejection(session.token(), FaultError);
    clock.advance(2000);
    login(() => ({ value: 't', life: LIFE }));
    expect(await session.token()).toBe('t');
    expect(changes.map(({ kind }) => kind)).toEqual(['failed', 'loggedIn']);
    session.refused('t', 401);
    login(() => loginRefused);
    expect((await rejection(session.token(), FaultError)).fault.retryAfter).toBe(4000);
  });

  test('leaves the old token in use to its end', async () => {
    const { session, clock, logins, login, changes } = setting({ random: [1] });
    await session.token();
    clock.advance(80_000);
    login(() => loginRefused);
    expect(await session.token()).toBe('t1');
    expect(await session.token()).toBe('t1');
    expect(logins()).toBe(2);
    expect(session.state().kind).toBe('loggedIn');
    clock.advance(19_999);
    expect(await session.token()).toBe('t1');
    clock.advance(10_000);
    expect(await codeOf(session.token())).toBe('LoginRefused');
    expect(changes.map(({ kind }) => kind)).toEqual(['loggedIn', 'failed']);
  });

  test('for a reason that is no fault is a fault of the operator', async () => {
    const { session, login } = setting();
    login(() => Promise.reject(new TypeError('secret')));
    expect((await rejection(session.token(), FaultError)).fault.code).toBe('Internal');
  });
});

describe('a token that the server refuses', () => {
  test('is replaced once, however many report it', async () => {
    const { session, logins } = setting();
    const first = await session.token();
    for (let report = 0; report < 50; report += 1) session.refused(first, 401);
    const tokens = await Promise.all(Array.from({ length: 50 }, () => session.token()));
    expect(new Set(tokens)).toEqual(new Set(['t2']));
    expect(logins()).toBe(2);
  });

  test('does not harm its successor when it is reported late', async () => {
    const { session, logins } = setting();
    const first = await session.token();
    session.refused(first, 401);
    await session.token();
    session.refused(first, 401);
    expect(await session.token()).toBe('t2');
    expect(logins()).toBe(2);
  });

  test('a fresh one too: held off like a refused login', async () => {
    const { session, clock, logins, counts } = setting({ random: [1] });
    session.refused(await session.token(), 401);
    session.refused(await session.token(), 403);
    const codes = await Promise.all(Array.from({ length: 200 }, () => codeOf(session.token())));
    expect(new Set(codes)).toEqual(new Set(['TokenRefused']));
    expect(logins()).toBe(2);
    expect(session.state()).toMatchObject({ kind: 'failed', at: 1000, fault: { code: 'TokenRefused' } });
    expect(counts).toContainEqual(['loggedIn', 'universal', 'refused']);
    clock.advance(60_000);
    session.refused(await session.token(), 401);
    expect(await codeOf(session.token())).toBe('TokenRefused');
    expect(logins()).toBe(3);
  });

  test('a fresh one that was accepted meanwhile: only replaced', async () => {
    const { session } = setting();
    session.refused(await session.token(), 401);
    session.accepted(await session.token());
    session.refused('t2', 401);
    expect(await session.token()).toBe('t3');
  });

  test('a fresh one that is accepted after a hold-off: all is well again', async () => {
    const { session, clock, changes } = setting();
    session.refused(await session.token(), 401);
    session.refused(await session.token(), 401);
    clock.advance(60_000);
    session.accepted(await session.token());
    expect(changes.map(({ kind }) => kind)).toEqual(['loggedIn', 'loggedIn', 'failed', 'loggedIn']);
  });

  test('the same one again is no fresh one, and is tried again only after the hold-off', async () => {
    const { session, clock, login } = setting();
    login(() => ({ value: 'static', life: undefined }));
    session.refused(await session.token(), 401);
    expect(await codeOf(session.token())).toBe('TokenRefused');
    clock.advance(60_000);
    expect(await session.token()).toBe('static');
    session.accepted('static');
    expect(session.state().kind).toBe('loggedIn');
  });
});

describe('a credential that has changed', () => {
  test('brings a login with the next request, while the token in hand is good', async () => {
    const { session, logins } = setting();
    await session.token();
    session.supersede();
    expect(await session.token()).toBe('t2');
    expect(logins()).toBe(2);
  });

  test('ends the hold-off of a refused login', async () => {
    const { session, logins, login } = setting();
    login(() => loginRefused);
    await codeOf(session.token());
    session.supersede();
    login(() => ({ value: 'mended', life: LIFE }));
    expect(await session.token()).toBe('mended');
    expect(logins()).toBe(2);
    expect(session.state().kind).toBe('loggedIn');
  });

  test('and is refused ends the use of the token in hand', async () => {
    const { session, login } = setting();
    await session.token();
    session.supersede();
    login(() => loginRefused);
    expect(await codeOf(session.token())).toBe('LoginRefused');
    expect(session.state()).toMatchObject({ kind: 'failed', fault: { code: 'LoginRefused' } });
  });

  test('and cannot be tried leaves the token in hand in use', async () => {
    const { session, login } = setting();
    await session.token();
    session.supersede();
    login(() => new FaultError(fault('ServerUnreachable', { host: HOST, cause: 'connection refused' })));
    expect(await session.token()).toBe('t1');
    expect(session.state().kind).toBe('loggedIn');
  });

  test('is not answered by a login that was under way with the one before', async () => {
    const { session, login, logins } = setting();
    const old = Promise.withResolvers<AccessToken>();
    login(() => old.promise);
    const first = session.token();
    session.supersede();
    login(() => ({ value: 'new', life: LIFE }));
    expect(await session.token()).toBe('new');
    old.resolve({ value: 'old', life: LIFE });
    await first;
    expect(await session.token()).toBe('new');
    expect(logins()).toBe(2);
  });
});

/** Fails once each minute. */
function fail({ session, clock }: Setting, times: number): void {
  for (let time = 0; time < times; time += 1) {
    session.failing('t1');
    clock.advance(60_000);
  }
}

const lasting: Login = () => ({ value: 't1', life: undefined });

describe('a run of failures', () => {
  test.each([
    ['of five minutes brings one fresh login', 6, 2],
    ['of less does not', 5, 1],
  ])('%s', async (_sentence, failures, expected) => {
    const world = setting();
    world.login(lasting);
    await world.session.token();
    fail(world, failures);
    await world.session.token();
    await world.session.token();
    expect(world.logins()).toBe(expected);
  });

  test('of few failures is none, however long it takes', async () => {
    const { session, clock, logins, login } = setting();
    login(lasting);
    await session.token();
    for (let time = 0; time < 4; time += 1) {
      session.failing('t1');
      clock.advance(30 * 60_000);
    }
    await session.token();
    expect(logins()).toBe(1);
  });

  test('is ended by a request that works', async () => {
    const world = setting();
    world.login(lasting);
    await world.session.token();
    fail(world, 5);
    world.session.worked('t1');
    fail(world, 5);
    await world.session.token();
    expect(world.logins()).toBe(1);
  });

  test('has to be twice as long the next time, up to an hour', async () => {
    const world = setting();
    world.login(lasting);
    await world.session.token();
    const at: number[] = [];
    for (let minute = 0; minute < 240; minute += 1) {
      fail(world, 1);
      const before = world.logins();
      await world.session.token();
      if (world.logins() > before) at.push(minute);
    }
    expect(at).toEqual([5, 16, 37, 78, 139, 200]);
  });

  test('that leads to a login which fails leaves the token in use', async () => {
    const world = setting();
    world.login(lasting);
    await world.session.token();
    fail(world, 6);
    world.login(() => loginRefused);
    expect(await world.session.token()).toBe('t1');
    expect(world.session.state().kind).toBe('loggedIn');
  });

  test('of another token is nothing to this one', async () => {
    const { session, clock, logins, login } = setting();
    login(lasting);
    await session.token();
    for (let time = 0; time < 20; time += 1) {
      session.failing('another');
      clock.advance(60_000);
    }
    await session.token();
    expect(logins()).toBe(1);
  });
});

describe('the state', () => {
  test('is told when it changes, not when the same fault comes again', async () => {
    const { session, clock, login, changes } = setting();
    expect(session.state()).toEqual({ kind: 'none' });
    login(() => loginRefused);
    for (let round = 0; round < 3; round += 1) {
      await rejection(session.token(), FaultError);
      clock.advance(60_000);
    }
    const unreachable = new FaultError(fault('ServerUnreachable', { host: HOST, cause: 'x' }));
    login(() => unreachable);
    await rejection(session.token(), FaultError);
    expect(changes).toEqual([
      { kind: 'failed', at: 1000, fault: loginRefused.fault },
      { kind: 'failed', at: 1000, fault: unreachable.fault },
    ]);
  });

  test('is forgotten by a reset, hold-off and all', async () => {
    const { session, logins, login, changes } = setting();
    login(() => loginRefused);
    await rejection(session.token(), FaultError);
    session.reset();
    expect(session.state()).toEqual({ kind: 'none' });
    login(() => ({ value: 'new', life: LIFE }));
    expect(await session.token()).toBe('new');
    expect(logins()).toBe(2);
    expect(changes.map(({ kind }) => kind)).toEqual(['failed', 'none', 'loggedIn']);
  });

  test('is not touched by a login that a reset has overtaken', async () => {
    const { session, login } = setting();
    const slow = Promise.withResolvers<AccessToken>();
    login(() => slow.promise);
    const overtaken = session.token();
    session.reset();
    login(() => ({ value: 'new', life: LIFE }));
    expect(await session.token()).toBe('new');
    slow.resolve({ value: 'old', life: LIFE });
    expect(await overtaken).toBe('old');
    expect(await session.token()).toBe('new');
  });

  test('is not touched by a login that fails after a reset', async () => {
    const { session, login } = setting();
    const slow = Promise.withResolvers<AccessToken>();
    login(() => slow.promise);
    const overtaken = session.token();
    session.reset();
    slow.reject(loginRefused);
    expect(await codeOf(overtaken)).toBe('LoginRefused');
    expect(session.state()).toEqual({ kind: 'none' });
  });
});

function only(counts: readonly (readonly unknown[])[], ...names: string[]): readonly unknown[] {
  return counts.filter(([name]) => names.includes(String(name)));
}

describe('the metrics', () => {
  test('know how many sessions work: one more with its first login, one less when it fails', async () => {
    const { session, clock, login, counts } = setting();
    await session.token();
    clock.advance(LIFE * 0.9);
    await session.token();
    expect(only(counts, 'sessionsChanged')).toEqual([['sessionsChanged', 'universal', 1]]);
    login(() => loginRefused);
    clock.advance(LIFE);
    await rejection(session.token(), FaultError);
    expect(only(counts, 'sessionsChanged')).toEqual([
      ['sessionsChanged', 'universal', 1],
      ['sessionsChanged', 'universal', -1],
    ]);
  });

  test.each<[string, (session: Session) => void]>([
    ['a reset', (session) => session.reset()],
    ['its end', (session) => session.end()],
    ['its end, told twice', (session) => [1, 2].forEach(() => session.end())],
  ])('count a session off with %s', async (_what, act) => {
    const { session, counts } = setting();
    await session.token();
    act(session);
    expect(only(counts, 'sessionsChanged').length).toBe(2);
  });

  test('count no session that never worked', async () => {
    const { session, login, counts } = setting();
    login(() => loginRefused);
    await rejection(session.token(), FaultError);
    session.end();
    expect(only(counts, 'sessionsChanged')).toEqual([]);
  });

  test('name why a login failed, also where the server refused nothing', async () => {
    const { session, login, counts } = setting();
    login(() => new FaultError(fault('ServerUnreachable', { host: HOST, cause: 'x' })));
    await rejection(session.token(), FaultError);
    expect(only(counts, 'failed', 'loggedIn')).toEqual([['failed', 'login', 'ServerUnreachable']]);
  });
});
