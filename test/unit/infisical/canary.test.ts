import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { universalLogin } from '../../../src/infisical/auth/universal.ts';
import { createLeaseClient, type LeaseClient } from '../../../src/infisical/client.ts';
import { RequestError } from '../../../src/infisical/request-error.ts';
import { standardTiming } from '../../../src/timing.ts';
import { virtualClock } from '../../support/virtual-clock.ts';
import { dynamicSecret, issued, lease, LEASE_ID, login, TAG, TARGET } from './answers.ts';
import { pump } from './pump.ts';
import { html, json, type Reply, scriptedServer, text, truncated } from './scripted-server.ts';
import { recordedTelemetry } from './telemetry.ts';

/** In every place where a server, a credential or a token could have it. */
const CANARY = 'c4n4ry';

const poisoned = {
  statusCode: 400,
  error: CANARY,
  message: CANARY,
  reqId: CANARY,
  details: [CANARY],
  code: CANARY,
};
const headers = { 'x-canary': CANARY, location: `/${CANARY}`, 'retry-after': CANARY, 'set-cookie': CANARY };

const statuses = [200, 302, 400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504];

/** A dynamic secret as newer servers answer with it, after a failed revocation. */
const opened = dynamicSecret({
  status: 'Failed to delete',
  statusDetails: `FATAL: the login with ${CANARY} failed (postgres://admin:root-${CANARY}@db:5432)`,
  inputs: { password: `root-${CANARY}` },
});

const answers: Record<string, Reply> = {
  ...Object.fromEntries(
    statuses.map((status) => [`JSON with ${String(status)}`, json(status, poisoned, headers)]),
  ),
  'an issue list': json(422, { ...poisoned, message: [{ path: [CANARY], message: CANARY }] }),
  'a dead JWT': json(500, { ...poisoned, message: 'jwt expired' }),
  'a missing lease': json(404, {
    error: 'NotFound',
    message: `Dynamic secret lease with ID '${CANARY}' not found`,
  }),
  'a plan restriction': json(400, {
    error: 'BadRequest',
    message: `Failed to create lease due to plan restriction. ${CANARY}`,
  }),
  'a provider that is not reached': json(400, {
    error: 'BadRequest',
    message: `Failed to connect with provider: password ${CANARY} of admin is wrong`,
  }),
  'a driver that repeats its statement': json(500, {
    error: 'Internal Server Error',
    message: `ALTER ROLE admin PASSWORD '${CANARY}' - connection refused`,
  }),
  'a dynamic secret with its credentials': json(200, { dynamicSecret: opened, dynamicSecrets: [opened] }),
  'a page': html(200, `<html>${CANARY}</html>`),
  'a page of a proxy': html(502, `<html>${CANARY}</html>`),
  'broken JSON': text(200, 'application/json', `{"${CANARY}": ${CANARY}`),
  'a lease of another form': json(200, issued(lease(CANARY, { id: CANARY, expireAt: CANARY }))),
  'data of another form': json(200, { ...issued(), data: CANARY }),
  'a body that breaks off': truncated,
  'what is no HTTP': (response) =>
    void response.socket?.end(`HTTP/1.1 200 ${CANARY}\r\n${CANARY}\r\n\r\n${CANARY}`),
  'a header that is none': (response) =>
    void response.socket?.end(`HTTP/1.1 200 OK\r\n${CANARY}\u0000\r\n\r\n`),
  'a success': json(
    200,
    issued(lease({ leaseholder: TAG, a: CANARY }), { data: { DB_PASSWORD: CANARY } }),
    headers,
  ),
};

/** What a provider is reached with. */
const inputs = { host: 'db', username: 'admin', password: `root-${CANARY}` };

const calls: Record<string, (client: LeaseClient) => Promise<unknown>> = {
  create: (client) => client.createLease({ target: TARGET, config: { secret: CANARY }, tag: TAG }),
  get: (client) => client.getLease(LEASE_ID, TARGET),
  list: (client) => client.listLeases(TARGET),
  revoke: (client) => client.revokeLease(LEASE_ID, TARGET),
  status: (client) => client.synchronise(),
  createSecret: (client) =>
    client.createDynamicSecret(TARGET, { defaultTTL: '1h', provider: { type: 'x', inputs } }),
  updateSecret: (client) => client.updateDynamicSecret(TARGET, { inputs }),
  deleteSecret: (client) => client.deleteDynamicSecret(TARGET, { forced: false }),
  listSecrets: (client) => client.listDynamicSecrets(TARGET),
};

const routes = [
  'create',
  'get',
  'list',
  'revoke',
  'status',
  'createSecret',
  'updateSecret',
  'deleteSecret',
  'listSecrets',
] as const;

/** Makes one call, and returns all that anybody could print of it: errors with everything in them, logs, metrics. */
async function traces(call: string, script: { login: Reply; other: Reply }): Promise<string> {
  await using server = await scriptedServer();
  const clock = virtualClock({ random: [0] });
  const telemetry = recordedTelemetry();
  server.on('login', script.login);
  for (const route of routes) server.on(route, script.other);
  const states: unknown[] = [];
  const client = createLeaseClient({
    network: { rule: { rule: 'administrator' } },
    host: server.host,
    login: universalLogin({ credential: () => Promise.resolve(`secret-${CANARY}`) }),
    way: 'universal',
    clock,
    timing: standardTiming,
    log: telemetry.log,
    metrics: telemetry.metrics,
    onSessionChange: (state) => states.push(state),
  });
  const outcome = await pump(
    clock,
    (calls[call]?.(client) ?? Promise.resolve()).then(
      // A lease has credentials and config, a dynamic secret nothing that must not be shown.
      (given) => (call.includes('Secret') ? given : 'a success'),
      (error: unknown) => error,
    ),
  );
  if (outcome instanceof Error && !(outcome instanceof RequestError)) throw outcome;
  const seen = { outcome, stack: outcome instanceof Error ? outcome.stack : '', telemetry, states };
  return inspect(seen, { depth: Infinity, showHidden: true, maxStringLength: null, maxArrayLength: null });
}

describe('nothing of what a server says is in errors, logs or metrics', () => {
  const table = Object.keys(answers).flatMap((answer) =>
    Object.keys(calls).map((call) => [answer, call] as const),
  );

  test.each(table)('%s, in answer to %s', async (answer, call) => {
    const script = { login: json(200, login(`token-${CANARY}`)), other: answers[answer] ?? html(200) };
    expect(await traces(call, script)).not.toContain(CANARY);
  });

  test.each(Object.keys(answers))('%s, in answer to a login', async (answer) => {
    const script = { login: answers[answer] ?? html(200), other: html(200) };
    expect(await traces('get', script)).not.toContain(CANARY);
  });
});

test('a canary that leaks would be seen', async () => {
  const seen = await traces('get', { login: json(401, poisoned), other: html(200) });
  expect(seen).toContain('LoginRefused');
  expect(seen).toContain('A login failed.');
  expect(seen).toContain('apiAnswered');
});
