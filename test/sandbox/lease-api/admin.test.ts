import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createAdminClient } from '../../../sandbox/lease-api/admin-client.ts';
import type { Control } from '../../../sandbox/lease-api/control.ts';
import { Fixture, PLACE } from './fixture.ts';

const MAIN = join(import.meta.dirname, '../../../sandbox/lease-api/main.ts');
const ready = z.object({ url: z.url(), adminUrl: z.url(), pid: z.number() });

async function started(
  ...args: readonly string[]
): Promise<{ child: ReturnType<typeof run>; url: string; adminUrl: string }> {
  const child = run(args);
  const lines = createInterface({ input: child.stdout });
  const [line] = z.tuple([z.string()]).parse(await once(lines, 'line'));
  return { child, ...ready.parse(JSON.parse(line)) };
}

function run(args: readonly string[]) {
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Every command once, on whichever side of the admin interface. */
async function everyCommand(control: Control, url: string): Promise<void> {
  expect(await control.seedProject({ slug: 'shop', environments: [{ slug: 'prod' }] })).toHaveProperty(
    'projectId',
  );
  expect(await control.seedFolder(PLACE)).toHaveProperty('folderId');
  const { dynamicSecretId } = await control.seedDynamicSecret({ ...PLACE, name: 'orders' });
  await control.overrideDynamicSecret({
    dynamicSecretId,
    lifeOverride: 60_000,
    override: { data: { TOTP: 1 } },
  });
  const { identityId, clientId } = await control.seedIdentity({ clientId: 'robot' });
  expect(clientId).toBe('robot');
  await control.setGrants({ identityId, grants: [{ projectSlug: 'shop' }] });
  const { accessToken, tokenId } = await control.mintToken({ identityId });
  const { faultId } = await control.armFault({ match: { route: 'status' }, action: { type: 'html' } });
  expect((await control.listFaults()).faults).toMatchObject([{ id: faultId, hits: 0 }]);
  await control.disarmFaults({ faultId });
  await control.disarmFaults();
  expect(await control.setSwitches({ leaseLimit: 5 })).toMatchObject({ licensed: true, leaseLimit: 5 });
  const response = await fetch(`${url}/api/v1/dynamic-secrets/leases`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...PLACE, dynamicSecretName: 'orders' }),
  });
  expect(await response.json()).toMatchObject({ data: { TOTP: 1 } });
  expect((await control.live()).leases).toMatchObject([{ by: identityId, dynamicSecretId }]);
  expect(await control.dynamicSecrets()).toMatchObject({
    dynamicSecrets: [{ name: 'orders' }],
    requests: [],
  });
  await control.clearDynamicSecretRequests();
  expect((await control.principals()).leased).toHaveLength(1);
  expect(await control.counts()).toEqual({ counts: { 'lease-create': { [identityId]: 1 } } });
  expect((await control.readLedger()).next).toBe(2);
  expect(await control.killToken({ tokenId, death: 'revoked' })).toEqual({ killed: 1 });
  const { now } = await control.now();
  expect((await control.setClock({ scale: 1 })).now).toBeGreaterThanOrEqual(now);
  expect((await control.advanceClock({ ms: 1000 })).now).toBeGreaterThanOrEqual(now + 1000);
  await control.pause();
  await expect(fetch(`${url}/api/status`)).rejects.toThrow('fetch failed');
  await control.resume();
  expect((await fetch(`${url}/api/status`)).status).toBe(200);
  await control.removePlace({ projectSlug: 'shop' });
  expect((await control.live()).leases).toEqual([]);
}

describe('every command works', () => {
  test('in the same process', async () => {
    await using server = await Fixture.start();
    await server.api.removePlace({ projectSlug: 'shop' });
    await everyCommand(server.api, server.api.url);
    expect((await server.api.live()).leases).toEqual([]);
  });

  test('over the admin interface of a process of its own', async () => {
    const { child, url, adminUrl } = await started();
    try {
      await everyCommand(createAdminClient(adminUrl), url);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('the program', () => {
  test('ends with its standard input, if asked to', async () => {
    const { child, url } = await started(
      '--until-stdin-closes',
      '--profile',
      '2024',
      '--validation',
      'compat',
    );
    expect((await fetch(`${url}/api/v1/dynamic-secrets/leases`, { method: 'POST' })).status).toBe(403);
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('takes the port that it is given', async () => {
    const { child, url } = await started();
    child.kill('SIGTERM');
    await once(child, 'exit');
    const second = await started('--port', new URL(url).port);
    expect(second.url).toBe(url);
    second.child.kill('SIGTERM');
    await once(second.child, 'exit');
  });
});

describe('the admin interface refuses', () => {
  test('bad input, and says why', async () => {
    await using server = await Fixture.start();
    const client = createAdminClient(server.api.adminUrl);
    await expect(client.seedFolder({ ...PLACE, path: 'db' })).rejects.toThrow('seedFolder: ');
    await expect(client.mintToken({ identityId: server.secretId })).rejects.toThrow('no identity has the id');
    await expect(client.killToken({ death: 'revoked' })).rejects.toThrow(
      'exactly one of tokenId and identityId',
    );
  });

  test('what is no command', async () => {
    await using server = await Fixture.start();
    for (const command of ['nothing', 'toString', '__proto__'])
      expect((await fetch(`${server.api.adminUrl}/${command}`, { method: 'POST' })).status).toBe(404);
  });
});

test('stopping twice does nothing, and leaves no port open', async () => {
  await using server = await Fixture.start();
  const { url, adminUrl } = server.api;
  await server.api.stop();
  await server.api.stop();
  for (const address of [`${url}/api/status`, `${adminUrl}/now`])
    await expect(fetch(address)).rejects.toThrow('fetch failed');
});
