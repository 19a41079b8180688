import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createCertificates } from '../../../sandbox/lease-api/certificate.ts';
import { startOperatorProcess } from '../../../sandbox/operator/operator.ts';
import { startProxy, type Proxy } from '../../support/proxy.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { clusterConnection } from './support/cluster-connection.ts';

const program = path.join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

const result = z.object({
  ok: z.boolean(),
  findings: z.array(
    z.object({
      check: z.string(),
      about: z.string(),
      result: z.string(),
      reason: z.string().optional(),
      message: z.string(),
    }),
  ),
});

interface Checked {
  readonly code: number | null;
  readonly output: string;
}

describe('leaseholder check', () => {
  let stage: Stage;
  let relay: Proxy;
  let requests: string[] = [];

  beforeAll(async () => {
    stage = await startStage();
    relay = await startProxy({
      target: stage.api.url,
      handle: (exchange) => {
        requests.push(`${exchange.method} ${exchange.url.replace(/\?.*/, '')}`);
        return exchange.relay();
      },
    });
  });
  beforeEach(() => {
    requests = [];
  });
  afterAll(async () => {
    await relay[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  async function check(flags: readonly string[], kubeconfig = stage.kubeconfig): Promise<Checked> {
    await using run = startOperatorProcess({ kubeconfig, flags, entry: [program, 'check'] });
    const code = await run.ended();
    return { code, output: run.output() };
  }

  /** Checks a connection of namespace default. @returns the exit code, and `check result reason` of what is not well. */
  async function troubles(name: string, flags: readonly string[] = []): Promise<readonly unknown[]> {
    const { code, output } = await check(['--connection', `default/${name}`, '--output', 'json', ...flags]);
    const found = result.parse(JSON.parse(output));
    const bad = found.findings.filter((one) => one.result === 'fails');
    expect(found.ok).toBe(bad.length === 0);
    expect(output).not.toContain(stage.identity.clientSecret);
    return [code, ...bad.map((one) => `${one.check} ${one.reason ?? one.about}`)];
  }

  /** A connection, and a lease that names it. */
  async function arrange(
    name: string,
    options: NonNullable<Parameters<typeof connectionObjects>[1]> = {},
    identity = stage.identity,
  ): Promise<void> {
    const objects = connectionObjects({ api: stage.api, identity }, { ...options, name });
    await stage.apply(...objects, leaseManifest(name, { connectionRef: { name } }));
  }

  const hostAPI = (): string => `http://127.0.0.1:${String(relay.port)}`;

  it('says that all is well, asks for no lease, changes nothing and logs out', async () => {
    await arrange('good', { hostAPI: hostAPI() });
    const before = (await stage.api.readLedger()).entries.length;
    const since = await stage.plane.audit.mark();
    const { code, output } = await check(['--connection', 'default/good']);

    expect(output).toContain('All is well.');
    expect(output).toMatch(/ok +login +http/);
    expect(output).toMatch(/ok +rights +shop\/prod\/orders/);
    expect(output).toMatch(/ok +logout/);
    expect(code).toBe(0);
    expect(output).not.toContain(stage.identity.clientSecret);
    expect(output).not.toContain(stage.identity.clientId);
    expect(requests).toEqual([
      'GET /api/status',
      'POST /api/v1/auth/universal-auth/login',
      'GET /api/status',
      'GET /api/v1/dynamic-secrets/orders/leases',
      'POST /api/v1/auth/token/revoke',
    ]);
    const after = (await stage.api.readLedger()).entries.slice(before);
    expect(after.map(({ event }) => event)).toEqual(['login']);
    const own = (await stage.plane.audit.events(since)).filter(({ user }) => user === stage.user);
    const asked = new Set(own.map(({ verb, resource }) => `${verb} ${resource}`));
    expect([...asked].sort()).toEqual([
      'create selfsubjectaccessreviews',
      'get infisicalconnections',
      'get secrets',
      'list clusterinfisicalconnections',
      'list dynamicsecretleases',
      'list dynamicsecrets',
      'list infisicalconnections',
    ]);
  });

  it('says so of a connection of the cluster, and of what it does not grant', async () => {
    await clusterConnection(stage, 'shared', [{ namespaces: ['default'], environments: ['test'] }]);
    const connectionRef = { kind: 'ClusterInfisicalConnection', name: 'shared' };
    await stage.apply(leaseManifest('through-shared', { connectionRef }));
    const { code, output } = await check(['--cluster-connection', 'shared']);
    expect(output).toMatch(/ok +login/);
    expect(output).toMatch(/fails +grants +DynamicSecretLease default\/through-shared +NotGranted: /);
    expect(code).toBe(1);
    await stage.kubectl('delete', 'dsl', 'through-shared');
  });

  it('finds a wrong client secret', async () => {
    await arrange('wrong', { clientSecret: 'nobody-has-this-one' });
    expect(await troubles('wrong')).toEqual([1, 'login LoginRefused']);
  });

  it('finds a Secret that is not there', async () => {
    await arrange('missing');
    await stage.kubectl('delete', 'secret', 'missing-login');
    expect(await troubles('missing')).toEqual([1, 'credentials CredentialNotFound']);
  });

  it('finds a host where the operator does not go, and asks it nothing', async () => {
    await arrange('elsewhere', { hostAPI: hostAPI() });
    expect(await troubles('elsewhere', ['--allowed-hosts', 'public'])).toEqual([1, 'host HostNotAllowed']);
    expect(requests).toEqual([]);
  });

  it('finds a server that nobody reaches', async () => {
    await arrange('dead', { hostAPI: 'http://127.0.0.1:1' });
    expect(await troubles('dead')).toEqual([1, 'network ServerUnreachable']);
  });

  it('finds a certificate of another CA', async () => {
    const [own, other] = [createCertificates(), createCertificates()];
    await using server = await startProxy({
      target: stage.api.url,
      certificates: own,
      handle: (exchange) => exchange.relay(),
    });
    const address = `https://127.0.0.1:${String(server.port)}`;
    const [login, made] = connectionObjects(stage, { name: 'untrusted', hostAPI: address }) as [
      object,
      { spec: object },
    ];
    const spec = { ...made.spec, caBundle: { inline: other.ca } };
    await stage.apply(login, { ...made, spec });
    expect(await troubles('untrusted')).toEqual([1, 'tls CertificateUntrusted']);
    await stage.apply({ ...made, spec: { ...made.spec, caBundle: { inline: own.ca } } });
    expect(await troubles('untrusted')).toEqual([0]);
  });

  it('finds an identity without rights, and a dynamic secret that is not there', async () => {
    const identity = await stage.api.seedIdentity({ grants: [] });
    await arrange('powerless', {}, identity);
    expect(await troubles('powerless')).toEqual([1, 'rights PermissionDenied']);

    await arrange('absent');
    const dynamicSecret = { name: 'nowhere', projectSlug: 'shop', environmentSlug: 'prod' };
    await stage.apply(leaseManifest('absent', { connectionRef: { name: 'absent' }, dynamicSecret }));
    expect(await troubles('absent')).toEqual([1, 'rights TargetNotFound']);
  });

  it('finds the rights that the operator lacks', async () => {
    const account = { namespace: 'default', name: 'powerless' };
    const other = await stage.plane.serviceAccountKubeconfig(account);
    const { code, output } = await check(['--connection', 'default/good'], other);
    expect(code).toBe(1);
    expect(output).toMatch(/fails +kubernetes +secrets +May not get, list, watch, create, patch, delete: /);
    expect(output).toMatch(
      /fails +kubernetes +leases\.coordination\.k8s\.io in namespace leaseholder-system/,
    );
    expect(output).toMatch(/fails +connection +InfisicalConnection default\/good/);
  });

  it('finds a connection that does not exist, and a command line that is wrong', async () => {
    expect(await troubles('nobody')).toEqual([1, 'connection ConnectionNotFound']);
    const { code, output } = await check(['--connection', 'nobody']);
    expect([code, output]).toEqual([2, expect.stringContaining('NAMESPACE/NAME')]);
  });
});
