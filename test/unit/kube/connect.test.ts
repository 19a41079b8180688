import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { CREDENTIALS_LIFETIME, KubeAccessError } from '../../../src/kube/access.ts';
import { connect } from '../../../src/kube/connect.ts';
import type { InCluster } from '../../../src/kube/in-cluster.ts';
import { virtualClock } from '../../support/virtual-clock.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leaseholder-connect-'));
});

afterEach(() => rm(folder, { recursive: true }));

function file(name: string): string {
  return join(folder, name);
}

async function writeKubeconfig(user: object, cluster: object = {}): Promise<string> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'one', cluster: { server: 'https://one.test:6443/', ...cluster } },
      { name: 'two', cluster: { server: 'https://two.test' } },
    ],
    users: [{ name: 'me', user }],
    contexts: [
      { name: 'first', context: { cluster: 'one', user: 'me', namespace: 'apps' } },
      { name: 'second', context: { cluster: 'two', user: 'me' } },
    ],
    'current-context': 'first',
  };
  const path = file('config');
  await writeFile(path, JSON.stringify(config));
  return path;
}

function inCluster(): InCluster {
  return { host: '10.0.0.1', port: '443', folder };
}

async function refusalOf(kubeconfig: string): Promise<string> {
  const error: unknown = await connect({ clock: virtualClock(), kubeconfig }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KubeAccessError);
  return String(error);
}

describe('in a cluster', () => {
  beforeEach(async () => {
    await writeFile(file('token'), 'token-1\n');
    await writeFile(file('ca.crt'), 'CA-1');
    await writeFile(file('namespace'), 'leaseholder-system\n');
  });

  test("uses the pod's service account", async () => {
    const access = await connect({ clock: virtualClock(), inCluster: inCluster() });
    expect(access).toMatchObject({ server: 'https://10.0.0.1:443', namespace: 'leaseholder-system' });
    expect(await access.credentials()).toEqual({
      headers: { authorization: 'Bearer token-1' },
      tls: { ca: 'CA-1' },
    });
  });

  test('writes an IPv6 address as a URL has it', async () => {
    const access = await connect({ clock: virtualClock(), inCluster: { ...inCluster(), host: 'fd00::1' } });
    expect(access.server).toBe('https://[fd00::1]:443');
  });

  test('reads a rotated token and CA within a minute, and not at every request', async () => {
    const clock = virtualClock();
    const access = await connect({ clock, inCluster: inCluster() });
    const before = await access.credentials();
    await writeFile(file('token'), 'token-2');
    await writeFile(file('ca.crt'), 'CA-2');
    clock.advance(CREDENTIALS_LIFETIME - 1);
    expect(await access.credentials()).toEqual(before);
    clock.advance(1);
    expect(await access.credentials()).toEqual({
      headers: { authorization: 'Bearer token-2' },
      tls: { ca: 'CA-2' },
    });
  });

  test('keeps the same TLS material for as long as it does not change, so that connections are kept', async () => {
    const clock = virtualClock();
    const access = await connect({ clock, inCluster: inCluster() });
    const before = await access.credentials();
    await writeFile(file('token'), 'token-2');
    clock.advance(CREDENTIALS_LIFETIME);
    const after = await access.credentials();
    expect(after.headers).not.toEqual(before.headers);
    expect(after.tls).toBe(before.tls);
  });

  test('reads the token at once when it was refused, and not twice within a second', async () => {
    const clock = virtualClock();
    const access = await connect({ clock, inCluster: inCluster() });
    clock.advance(1000);
    await writeFile(file('token'), 'token-2');
    const [one, other] = await Promise.all([access.refresh(), access.refresh()]);
    expect(one.headers).toEqual({ authorization: 'Bearer token-2' });
    expect(other).toBe(one);
    await writeFile(file('token'), 'token-3');
    expect((await access.refresh()).headers).toEqual({ authorization: 'Bearer token-2' });
    clock.advance(1000);
    expect((await access.refresh()).headers).toEqual({ authorization: 'Bearer token-3' });
  });

  test('keeps the credentials at hand while the files cannot be read', async () => {
    const clock = virtualClock();
    const access = await connect({ clock, inCluster: inCluster() });
    await rm(file('token'));
    clock.advance(CREDENTIALS_LIFETIME);
    expect((await access.credentials()).headers).toEqual({ authorization: 'Bearer token-1' });
    await writeFile(file('token'), '');
    clock.advance(CREDENTIALS_LIFETIME);
    expect((await access.credentials()).headers).toEqual({ authorization: 'Bearer token-1' });
  });

  test('says what is missing when the service account is not mounted', async () => {
    await rm(file('token'));
    await expect(connect({ clock: virtualClock(), inCluster: inCluster() })).rejects.toThrow(
      `${file('token')} cannot be read. Mount the service account's token, or name a kubeconfig.`,
    );
  });

  test('prefers a kubeconfig that is named', async () => {
    const kubeconfig = await writeKubeconfig({ token: 'mine' });
    const access = await connect({ clock: virtualClock(), inCluster: inCluster(), kubeconfig });
    expect(access.server).toBe('https://one.test:6443');
  });
});

describe('by a kubeconfig', () => {
  const authority = Buffer.from('CA').toString('base64');

  const users: Record<string, { user: object; headers: object; tls?: object }> = {
    'a token': { user: { token: 'mine' }, headers: { authorization: 'Bearer mine' } },
    'a name and password': {
      user: { username: 'me', password: 'mine' },
      headers: { authorization: `Basic ${Buffer.from('me:mine').toString('base64')}` },
    },
    'a client certificate': {
      user: {
        'client-certificate-data': Buffer.from('CERT').toString('base64'),
        'client-key-data': Buffer.from('KEY').toString('base64'),
      },
      headers: {},
      tls: { cert: 'CERT', key: 'KEY' },
    },
  };

  test.each(Object.entries(users))('with %s', async (_sentence, { user, headers, tls = {} }) => {
    const kubeconfig = await writeKubeconfig(user, { 'certificate-authority-data': authority });
    const access = await connect({ clock: virtualClock(), kubeconfig });
    expect(access).toMatchObject({ server: 'https://one.test:6443', namespace: 'apps' });
    expect(await access.credentials()).toEqual({ headers, tls: { ca: 'CA', ...tls } });
  });

  test('with the settings of its cluster', async () => {
    const kubeconfig = await writeKubeconfig(
      { token: 'mine' },
      {
        'insecure-skip-tls-verify': true,
        'tls-server-name': 'kube.test',
        'proxy-url': 'http://proxy.test:3128',
      },
    );
    const { tls } = await (await connect({ clock: virtualClock(), kubeconfig })).credentials();
    expect(tls).toEqual({
      rejectUnauthorized: false,
      servername: 'kube.test',
      proxy: 'http://proxy.test:3128',
    });
  });

  test('in another of its contexts', async () => {
    const kubeconfig = await writeKubeconfig({ token: 'mine' });
    const access = await connect({ clock: virtualClock(), kubeconfig, context: 'second' });
    expect(access).toMatchObject({ server: 'https://two.test', namespace: 'default' });
  });

  test('with an exec plugin, which is asked again only when its token was refused', async () => {
    const [plugin, counter] = [file('plugin'), file('count')];
    await writeFile(counter, '');
    const credential =
      '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t%s"}}';
    await writeFile(
      plugin,
      `#!/bin/sh\nprintf x >> ${counter}\nprintf '${credential}' "$(wc -c < ${counter} | tr -d ' ')"\n`,
    );
    await chmod(plugin, 0o755);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    const clock = virtualClock();
    const access = await connect({ clock, kubeconfig: await writeKubeconfig({ exec }) });
    expect((await access.credentials()).headers).toEqual({ authorization: 'Bearer t1' });
    clock.advance(CREDENTIALS_LIFETIME);
    expect((await access.credentials()).headers).toEqual({ authorization: 'Bearer t1' });
    clock.advance(1000);
    expect((await access.refresh()).headers).toEqual({ authorization: 'Bearer t2' });
  });

  test('with a token that was replaced in the file', async () => {
    const clock = virtualClock();
    const access = await connect({ clock, kubeconfig: await writeKubeconfig({ token: 'old' }) });
    await writeKubeconfig({ token: 'new' });
    clock.advance(1000);
    expect((await access.refresh()).headers).toEqual({ authorization: 'Bearer new' });
  });
});

describe('with no way to a server', () => {
  test('says so of a file that is not there', async () => {
    expect(await refusalOf(file('none'))).toContain(`The kubeconfig ${file('none')} cannot be read.`);
  });

  test('quotes nothing of a file that makes no sense', async () => {
    await writeFile(file('config'), 'users: [{token: hunter2');
    expect(await refusalOf(file('config'))).not.toContain('hunter2');
  });

  test('says so of a context that names no cluster', async () => {
    await writeFile(
      file('config'),
      JSON.stringify({ clusters: [], users: [], contexts: [], 'current-context': 'x' }),
    );
    expect(await refusalOf(file('config'))).toContain('names no cluster');
  });

  test('quotes nothing of an exec plugin that fails', async () => {
    const plugin = file('plugin');
    await writeFile(plugin, '#!/bin/sh\necho hunter2 >&2\nexit 1\n');
    await chmod(plugin, 0o755);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin };
    const message = await refusalOf(await writeKubeconfig({ exec }));
    expect(message).toContain('exec plugin may have failed');
    expect(message).not.toContain('hunter2');
  });

  test('says that a SOCKS proxy is not supported', async () => {
    expect(await refusalOf(await writeKubeconfig({}, { 'proxy-url': 'socks5://proxy.test' }))).toContain(
      'SOCKS',
    );
  });
});
