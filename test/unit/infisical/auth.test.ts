import { describe, expect, test } from 'vitest';

import { type FaultCode, fault, FaultError } from '../../../src/errors.ts';
import { lifeOf, type LoginContext } from '../../../src/infisical/auth/access-token.ts';
import { tokenLogin } from '../../../src/infisical/auth/token.ts';
import { universalLogin } from '../../../src/infisical/auth/universal.ts';
import { createTransport } from '../../../src/infisical/transport.ts';
import { serverClock } from '../../../src/server-clock.ts';
import { standardTiming } from '../../../src/timing.ts';
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts';
import { jwt, login, refusal } from './answers.ts';
import { pump, rejection } from './pump.ts';
import { json, type Reply, reset, scriptedServer, silence } from './scripted-server.ts';
import { recordedTelemetry } from './telemetry.ts';

/** A credential that is not there; of the id that is told later than of the secret. */
async function missing(name: string): Promise<string> {
  if (name === 'clientId') await new Promise(setImmediate);
  const details = { field: `spec.auth.universal.${name}`, secret: 's', key: 'k' };
  throw new FaultError(fault('CredentialNotFound', details));
}

describe("a token's life", () => {
  const iat = 1_700_000_000;
  const cases: Record<
    string,
    { token: string; expiresIn: number | null | undefined; life: number | undefined }
  > = {
    'is what the login says': { token: 'opaque', expiresIn: 60, life: 60_000 },
    'is what the token says, when that is less': {
      token: jwt({ iat, exp: iat + 30 }),
      expiresIn: 60,
      life: 30_000,
    },
    'is what the login says, when that is less': {
      token: jwt({ iat, exp: iat + 90 }),
      expiresIn: 60,
      life: 60_000,
    },
    'is what the token says, when the login sets no limit': {
      token: jwt({ iat, exp: iat + 30 }),
      expiresIn: 0,
      life: 30_000,
    },
    'has no end when nobody sets one': { token: jwt({ iat }), expiresIn: 0, life: undefined },
    'has no end when nothing is said': { token: 'opaque', expiresIn: undefined, life: undefined },
    'is not read from claims of another kind': {
      token: jwt({ iat, exp: 'soon' }),
      expiresIn: null,
      life: undefined,
    },
    'is not read from what is no JWT': { token: 'a.b.c', expiresIn: 60, life: 60_000 },
  };

  test.each(Object.entries(cases))('%s', (_sentence, { token, expiresIn, life }) => {
    expect(lifeOf(token, expiresIn)).toBe(life);
  });
});

function contextOf(host: string, now?: number): { context: LoginContext; clock: VirtualClock } {
  const clock = virtualClock({ random: [0] });
  const { log, metrics } = recordedTelemetry();
  const transport = createTransport({
    host,
    rule: { rule: 'administrator' },
    clock,
    serverClock: serverClock(clock),
    log,
    metrics,
  });
  return { context: { transport, clock, timing: standardTiming, now: () => now }, clock };
}

const credential = (name: string): Promise<string> => Promise.resolve(` the-${name}\n`);

describe('Universal Auth', () => {
  test('exchanges id and secret, without the white space around them, for a token', async () => {
    await using server = await scriptedServer();
    server.on('login', json(200, login('t1', 60)));
    const { context, clock } = contextOf(server.host);
    expect(await pump(clock, universalLogin({ credential })(context))).toEqual({ value: 't1', life: 60_000 });
    expect(server.received).toHaveLength(1);
    expect(server.received[0]?.body).toEqual({ clientId: 'the-clientId', clientSecret: 'the-clientSecret' });
  });

  const failures: Record<string, { reply: Reply; code: FaultCode }> = {
    'is refused': { reply: json(401, refusal(401, 'UnauthorizedError')), code: 'LoginRefused' },
    'is refused by a server of 2024': {
      reply: json(403, refusal(403, 'UnauthorizedError')),
      code: 'LoginRefused',
    },
    'is limited': { reply: json(429, refusal(429, 'x'), { 'retry-after': '9' }), code: 'RateLimited' },
    fails: { reply: json(500, refusal(500, 'x')), code: 'ServerFailed' },
    'brings no token': { reply: json(200, { ok: true }), code: 'UnexpectedAnswer' },
    'is broken off': { reply: reset, code: 'NoAnswer' },
  };

  test.each(Object.entries(failures))('%s: not tried again here', async (_sentence, { reply, code }) => {
    await using server = await scriptedServer();
    server.on('login', reply);
    const { context, clock } = contextOf(server.host);
    const error = await pump(clock, rejection(universalLogin({ credential })(context), FaultError));
    expect(error.fault.code).toBe(code);
    expect(server.received).toHaveLength(1);
  });

  test('gives up at its deadline', async () => {
    await using server = await scriptedServer();
    server.on('login', silence);
    const { context, clock } = contextOf(server.host);
    const failed = rejection(universalLogin({ credential })(context), FaultError);
    await server.arrived(1);
    await clock.run(standardTiming.apiRequestDeadline);
    expect((await failed).fault.code).toBe('NoAnswer');
  });

  test('knocks three times where nobody listens', async () => {
    const server = await scriptedServer();
    await server[Symbol.asyncDispose]();
    const { context, clock } = contextOf(server.host);
    const calls: string[] = [];
    const transport = {
      ...context.transport,
      request: (...asked: Parameters<LoginContext['transport']['request']>) => {
        calls.push(asked[0].route);
        return context.transport.request(...asked);
      },
    };
    const failed = universalLogin({ credential })({ ...context, transport });
    const error = await pump(clock, rejection(failed, FaultError));
    expect(error.fault.code).toBe('ServerUnreachable');
    expect(calls).toEqual(['login', 'login', 'login']);
  });

  test('hands on why its credential cannot be read: of the id first, whichever is answered first', async () => {
    await using server = await scriptedServer();
    const { context } = contextOf(server.host);
    const error = await rejection(universalLogin({ credential: missing })(context), FaultError);
    expect(error.fault.code).toBe('CredentialNotFound');
    expect(error.fault.message).toContain('spec.auth.universal.clientId');
    expect(server.received).toHaveLength(0);
  });
});

describe('Token Auth', () => {
  const exp = 1_700_000_000;
  const cases: Record<string, { token: string; now: number | undefined; life: number | undefined }> = {
    'lives until its JWT ends, by the time of the server': {
      token: jwt({ exp }),
      now: exp * 1000 - 600_000,
      life: 600_000,
    },
    'is read again at most once a minute near its end': {
      token: jwt({ exp }),
      now: exp * 1000,
      life: 60_000,
    },
    "has no known end before the server's time is known": {
      token: jwt({ exp }),
      now: undefined,
      life: undefined,
    },
    'has no known end when it is no JWT': { token: 'opaque', now: exp * 1000, life: undefined },
  };

  test.each(Object.entries(cases))('a token %s', async (_sentence, { token, now, life }) => {
    const { context } = contextOf('http://127.0.0.1:1', now);
    const read = tokenLogin({ credential: () => Promise.resolve(`${token}\n`) });
    expect(await read(context)).toEqual({ value: token, life });
  });
});
