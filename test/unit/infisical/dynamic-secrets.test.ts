import { describe, expect, test } from 'vitest';

import type { LeaseClient } from '../../../src/infisical/client.ts';
import type { Declaration } from '../../../src/infisical/dynamic-secrets.ts';
import { RequestError } from '../../../src/infisical/request-error.ts';
import { standardTiming } from '../../../src/timing.ts';
import { dynamicSecret, refusal, TARGET } from './answers.ts';
import { type ClientSetting, clientSetting } from './client-setting.ts';
import { pump, rejection } from './pump.ts';
import { html, json, type Reply, reset, silence } from './scripted-server.ts';

const FOLDER = { projectSlug: 'shop', environmentSlug: 'prod', path: '/apps/orders' };
const ROOT_PASSWORD = 'r00t-c4n4ry';

const declared: Declaration = {
  defaultTTL: '1h',
  provider: { type: 'sql-database', inputs: { client: 'postgres', port: 5432, password: ROOT_PASSWORD } },
};
const whole: Declaration = {
  ...declared,
  maxTTL: '24h',
  usernameTemplate: 'app-{{randomUsername}}',
  metadata: [{ key: 'team', value: 'orders' }],
};

/** As a newer server shows one: with all that is configured. */
const opened = dynamicSecret({
  gatewayId: null,
  gatewayPoolId: null,
  usernameTemplate: 'app-{{randomUsername}}',
  metadata: [{ key: 'team', value: 'orders' }],
  inputs: { host: 'db', username: 'admin', password: ROOT_PASSWORD },
});

/** What the client tells of either, whatever the server adds. */
const told = {
  id: 'bbbbbbbb-0000-4000-8000-000000000001',
  name: 'orders-postgres',
  type: 'sql-database',
  version: 1,
  defaultTTL: '1h',
  maxTTL: '24h',
  status: null,
  statusDetails: null,
};

/** Every call, with the route that it takes. */
const calls = {
  createSecret: (client: LeaseClient) => client.createDynamicSecret(TARGET, declared),
  updateSecret: (client: LeaseClient) => client.updateDynamicSecret(TARGET, { defaultTTL: '2h' }),
  deleteSecret: (client: LeaseClient) => client.deleteDynamicSecret(TARGET, { forced: false }),
  listSecrets: (client: LeaseClient) => client.listDynamicSecrets(TARGET),
} as const;

const writes = ['createSecret', 'updateSecret', 'deleteSecret'] as const;
const all = [...writes, 'listSecrets'] as const;

const successes = {
  createSecret: json(200, { dynamicSecret: opened }),
  updateSecret: json(200, { dynamicSecret: opened }),
  deleteSecret: json(200, { dynamicSecret: opened }),
  listSecrets: json(200, { dynamicSecrets: [opened] }),
} as const satisfies Record<keyof typeof calls, Reply>;

function failure({ clock }: ClientSetting, call: Promise<unknown>): Promise<RequestError> {
  return pump(clock, rejection(call, RequestError));
}

describe('a request', () => {
  const provider = declared.provider;
  const own = '/api/v1/dynamic-secrets/orders-postgres';
  const cases: Record<
    string,
    [
      keyof typeof calls,
      (client: LeaseClient) => Promise<unknown>,
      { method: string; path: string; query?: object; body?: unknown },
    ]
  > = {
    'that makes one': [
      'createSecret',
      calls.createSecret,
      {
        method: 'POST',
        path: '/api/v1/dynamic-secrets',
        query: {},
        body: { ...FOLDER, name: 'orders-postgres', defaultTTL: '1h', provider },
      },
    ],
    'that makes one with everything': [
      'createSecret',
      (client) => client.createDynamicSecret(TARGET, whole),
      {
        method: 'POST',
        path: '/api/v1/dynamic-secrets',
        body: {
          ...FOLDER,
          name: 'orders-postgres',
          defaultTTL: '1h',
          maxTTL: '24h',
          usernameTemplate: 'app-{{randomUsername}}',
          metadata: [{ key: 'team', value: 'orders' }],
          provider,
        },
      },
    ],
    'that changes its TTL': [
      'updateSecret',
      calls.updateSecret,
      { method: 'PATCH', path: own, query: {}, body: { ...FOLDER, data: { defaultTTL: '2h' } } },
    ],
    'that changes some inputs': [
      'updateSecret',
      (client) => client.updateDynamicSecret(TARGET, { inputs: { password: ROOT_PASSWORD } }),
      { method: 'PATCH', path: own, body: { ...FOLDER, data: { inputs: { password: ROOT_PASSWORD } } } },
    ],
    'that clears what can be cleared': [
      'updateSecret',
      (client) => client.updateDynamicSecret(TARGET, { maxTTL: null, usernameTemplate: null, metadata: [] }),
      {
        method: 'PATCH',
        path: own,
        body: { ...FOLDER, data: { maxTTL: null, usernameTemplate: null, metadata: [] } },
      },
    ],
    'that renames it': [
      'updateSecret',
      (client) => client.updateDynamicSecret(TARGET, { newName: 'orders' }),
      { method: 'PATCH', path: own, body: { ...FOLDER, data: { newName: 'orders' } } },
    ],
    'that removes it': [
      'deleteSecret',
      calls.deleteSecret,
      { method: 'DELETE', path: own, query: {}, body: { ...FOLDER, isForced: false } },
    ],
    'that removes it by force': [
      'deleteSecret',
      (client) => client.deleteDynamicSecret(TARGET, { forced: true }),
      { method: 'DELETE', path: own, body: { ...FOLDER, isForced: true } },
    ],
    'that lists those of a folder': [
      'listSecrets',
      calls.listSecrets,
      { method: 'GET', path: '/api/v1/dynamic-secrets', query: FOLDER, body: undefined },
    ],
  };

  test.each(Object.entries(cases))('%s is what the API documents', async (_sentence, [route, call, sent]) => {
    await using setting = await clientSetting();
    setting.server.on(route, successes[route]);
    await call(setting.client);
    const [request] = setting.server.to(route);
    expect(request).toMatchObject(sent);
    expect(request?.body).toEqual(sent.body);
    expect(request?.headers.authorization).toBe('Bearer t1');
  });

  test.each(writes)('to %s asks right before each time that it is sent', async (route) => {
    await using setting = await clientSetting();
    const { client, server } = setting;
    const asked: string[] = [];
    const beforeSending = (): void => void asked.push(`${String(server.to(route).length)} sent`);
    server.on(route, json(401, refusal(401, 'UnauthorizedError')), successes[route]);
    const made = {
      createSecret: () => client.createDynamicSecret(TARGET, declared, { beforeSending }),
      updateSecret: () => client.updateDynamicSecret(TARGET, { defaultTTL: '2h' }, { beforeSending }),
      deleteSecret: () => client.deleteDynamicSecret(TARGET, { forced: false, beforeSending }),
    };
    await made[route]();
    expect(asked).toEqual(['0 sent', '1 sent']);
  });
});

describe('an answer', () => {
  test.each(writes)('to %s is told without the inputs', async (route) => {
    await using setting = await clientSetting();
    setting.server.on(route, successes[route]);
    expect(await calls[route](setting.client)).toEqual(told);
  });

  test.each(writes)('of a server of 2024 to %s has no inputs to drop', async (route) => {
    await using setting = await clientSetting();
    setting.server.on(route, json(200, { dynamicSecret: dynamicSecret() }));
    expect(await calls[route](setting.client)).toEqual(told);
  });

  test('tells that leases are being revoked first', async () => {
    await using setting = await clientSetting();
    const shown = dynamicSecret({ status: 'Revocation in process' });
    setting.server.on('deleteSecret', json(200, { dynamicSecret: shown }));
    expect(await calls.deleteSecret(setting.client)).toEqual({ ...told, status: 'Revocation in process' });
  });

  test('shows of a list what its server keeps, and no inputs', async () => {
    await using setting = await clientSetting();
    const odd = dynamicSecret({
      name: 'odd',
      usernameTemplate: null,
      metadata: [{ key: 'a' }],
      maxTTL: null,
    });
    setting.server.on(
      'listSecrets',
      json(200, { dynamicSecrets: [opened, odd, dynamicSecret({ name: 'old' })] }),
    );
    expect(await calls.listSecrets(setting.client)).toEqual([
      {
        ...told,
        usernameTemplate: 'app-{{randomUsername}}',
        metadata: [{ key: 'team', value: 'orders' }],
      },
      { ...told, name: 'odd', maxTTL: null, usernameTemplate: null, metadata: [{ key: 'a', value: '' }] },
      { ...told, name: 'old', usernameTemplate: undefined, metadata: undefined },
    ]);
  });

  test.each(writes)('to %s that says something else leaves the fate open', async (route) => {
    await using setting = await clientSetting();
    setting.server.on(route, json(200, { dynamicSecrets: [] }));
    const error = await failure(setting, calls[route](setting.client));
    expect(error).toMatchObject({ fate: 'unknown', fault: { code: 'UnexpectedAnswer' } });
  });
});

describe('a request that fails', () => {
  test.each(writes)('to %s is sent but once', async (route) => {
    for (const reply of [json(500, refusal(500, 'x')), reset, html(502)]) {
      await using setting = await clientSetting();
      setting.server.on(route, reply);
      const error = await failure(setting, calls[route](setting.client));
      expect(error.fate).toBe('unknown');
      expect(setting.server.to(route)).toHaveLength(1);
    }
  });

  test.each(writes)('to %s ends at its deadline', async (route) => {
    await using setting = await clientSetting();
    setting.server.on(route, silence);
    const failed = rejection(calls[route](setting.client), RequestError);
    await setting.server.arrived(2);
    setting.clock.advance(standardTiming.apiRequestDeadline);
    expect(await failed).toMatchObject({ fate: 'unknown', fault: { code: 'NoAnswer' } });
  });

  test('to list them is a read, which is made again', async () => {
    await using setting = await clientSetting();
    setting.server.on('listSecrets', json(500, refusal(500, 'x')), reset, successes.listSecrets);
    expect(await pump(setting.clock, calls.listSecrets(setting.client))).toHaveLength(1);
    expect(setting.server.to('listSecrets')).toHaveLength(3);
  });

  test.each(all)('to %s for its token is made again with another', async (route) => {
    await using setting = await clientSetting();
    setting.server.on(route, json(401, refusal(401, 'UnauthorizedError')), successes[route]);
    await calls[route](setting.client);
    expect(setting.server.to(route).map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t1',
      'Bearer t2',
    ]);
  });
});

test('no call asks for one by its name, which the server answers with its credentials', async () => {
  await using setting = await clientSetting();
  for (const route of all) {
    setting.server.on(route, successes[route]);
    await calls[route](setting.client);
  }
  const asked = setting.server.received.filter(({ method }) => method === 'GET');
  expect(asked.map(({ path }) => path)).toEqual(['/api/v1/dynamic-secrets']);
});
