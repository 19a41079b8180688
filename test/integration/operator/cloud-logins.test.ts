import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { freePorts } from '../../../sandbox/control-plane/ports.ts';
import { startOperatorProcess, type OperatorProcess } from '../../../sandbox/operator/operator.ts';
import type { FaultCode } from '../../../src/errors.ts';
import { conditionOf, startStage, type Stage } from '../../support/stage.ts';
import { cloudScene, clusterConnectionAndLease, NODE, type CloudScene } from './support/cloud-scene.ts';
import {
  connectionAndLease,
  keyOf,
  loginsOf,
  mayRequestTokens,
  secretOf,
  seedIdentity,
  serviceAccount,
} from './support/login-scene.ts';

const program = path.join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');
const USER = 'arn:aws:iam::123456789012:user/robot';
const LEASES = 'arn:aws:iam::123456789012:role/leases';
const ACCOUNT = 'leases@a-project.iam.gserviceaccount.com';
const CLIENT = '0b2b6a3e-9d6e-4f6e-8a3c-6d6f2f0e7a11';
const RESOURCE = 'api://infisical';

/** An operator as shipped, whose pod has an identity at each cloud. The tests go one after the other: what clouds were asked is compared. */
describe('a login from a cloud', () => {
  let stage: Stage;
  let scene: CloudScene;
  let operator: OperatorProcess;
  let metricsAddress: string;
  /** What must be in no output. */
  const secrets: string[] = [];
  /** What checks have printed. */
  const checked: string[] = [];

  beforeAll(async () => {
    stage = await startStage();
    scene = await cloudScene(stage);
    secrets.push(await scene.putToken());
    const [port = 0] = await freePorts(1);
    metricsAddress = `127.0.0.1:${String(port)}`;
    operator = await stage.startOperator({
      scale: 0.05,
      environment: scene.environment,
      flags: ['--log-level', 'trace', '--listen', metricsAddress],
    });
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  });

  const place = (): object => ({ region: scene.aws.region, stsEndpoint: scene.aws.url });
  const seedAws = (allowedPrincipalArns: string): Promise<string> =>
    seedIdentity(stage, { aws: { stsEndpoint: scene.aws.url, allowedPrincipalArns } });
  const seedAzure = (): Promise<string> => {
    const { tenantId, jwksUrl } = scene.azure;
    return seedIdentity(stage, { azure: { tenantId, jwksUrl, resource: RESOURCE } });
  };
  const seedGce = (): Promise<string> =>
    seedIdentity(stage, {
      gcp: { type: 'gce', keysUrl: scene.gcp.jwksUrl, allowedServiceAccounts: NODE },
    });
  const untilReason = async (name: string, reason: FaultCode, words: string): Promise<void> => {
    const lease = await stage.untilLease(name, (one) => conditionOf(one, 'Ready')?.reason === reason);
    expect(conditionOf(lease, 'Ready')?.message).toContain(words);
  };
  /** Ends the session of an identity, and waits until there is another. @returns how many proofs there were, and of how many logins */
  const untilNextLogin = async (identityId: string): Promise<{ logins: number; proofs: number }> => {
    const before = (await loginsOf(stage, identityId)).length;
    await stage.api.killToken({ identityId, death: 'revoked' });
    const more = async (): Promise<boolean> => (await loginsOf(stage, identityId)).length > before;
    await awaitCondition(more, { what: 'another login', timeoutMs: 30_000 });
    const logins = await loginsOf(stage, identityId);
    return { logins: logins.length, proofs: new Set(logins.map(({ proof }) => proof)).size };
  };
  const tries = async (route: string): Promise<number> =>
    Object.values((await stage.api.counts()).counts[route] ?? {}).reduce((sum, one) => sum + one, 0);

  it("by the operator's own identity is not for connections of namespaces: no cloud and no server is asked", async () => {
    const asked = scene.asked();
    const ways = {
      aws: { aws: { identityId: await seedAws(''), ...place(), operatorIdentity: {} } },
      azure: { azure: { identityId: await seedAzure(), resource: RESOURCE, operatorIdentity: {} } },
      gcp: { gcp: { identityId: await seedGce(), operatorIdentity: {} } },
    };
    for (const [cloud, auth] of Object.entries(ways)) {
      await stage.apply(...connectionAndLease(stage, `own-${cloud}`, auth));
      await untilReason(`own-${cloud}`, 'CloudIdentityNotAllowed', `spec.auth.${cloud}.operatorIdentity`);
      expect(await tries(`login-${cloud}`)).toBe(0);
    }
    expect(scene.asked()).toEqual(asked);
  });

  it('is not made at an STS inside that a connection names', async () => {
    const asked = scene.asked();
    const webIdentity = { roleArn: LEASES, serviceAccountRef: { name: 'inside' } };
    await stage.apply(serviceAccount('inside'), ...mayRequestTokens('inside'));
    for (const [name, stsEndpoint, reason] of [
      ['metadata', 'http://169.254.169.254', 'HostNotAllowed'],
      ['loopback', 'https://localhost', 'HostNotAllowed'],
    ] as const) {
      const auth = { identityId: 'x', region: scene.aws.region, stsEndpoint, webIdentity };
      await stage.apply(...connectionAndLease(stage, `sts-${name}`, { aws: auth }));
      await untilReason(`sts-${name}`, reason, 'spec.auth.aws.stsEndpoint');
    }
    expect(scene.asked()).toEqual(asked);
  });

  it('by the role of the pod takes the token that lies there now, without a restart', async () => {
    const identityId = await seedAws('arn:aws:sts::123456789012:assumed-role/leaseholder/*');
    const auth = { aws: { identityId, ...place(), operatorIdentity: {} } };
    await stage.apply(...clusterConnectionAndLease(stage, 'pod-aws', auth));
    await stage.untilReady('pod-aws');
    // What signed the first token is not known any more: only the new file works.
    await scene.issuer.rotate({ withdrawOld: true });
    secrets.push(await scene.putToken());
    expect(await untilNextLogin(identityId)).toEqual({ logins: 2, proofs: 2 });
  });

  it('by the identity of the machine at Azure, and after an expired proof by one more', async () => {
    scene.azure.addIdentity({ clientId: CLIENT, objectId: 'node' });
    scene.azure.host(CLIENT);
    scene.azure.setLife(-10);
    const identityId = await seedAzure();
    const auth = { azure: { identityId, resource: RESOURCE, operatorIdentity: {} } };
    await stage.apply(...clusterConnectionAndLease(stage, 'pod-azure', auth));
    await untilReason('pod-azure', 'LoginRefused', 'spec.auth.azure.resource');
    scene.azure.setLife(3600);
    await stage.untilReady('pod-azure');
    expect(await loginsOf(stage, identityId)).toHaveLength(1);
    expect(await untilNextLogin(identityId)).toEqual({ logins: 2, proofs: 2 });
  });

  it('by the identity of the machine at Google Cloud', async () => {
    const identityId = await seedGce();
    const auth = { gcp: { identityId, operatorIdentity: {} } };
    await stage.apply(...clusterConnectionAndLease(stage, 'pod-gcp', auth));
    await stage.untilReady('pod-gcp');
    expect(await untilNextLogin(identityId)).toEqual({ logins: 2, proofs: 2 });
  });

  it('by a service account of the namespace is one of its own at AWS and Azure', async () => {
    const name = 'federated';
    await stage.apply(serviceAccount(name), ...mayRequestTokens(name));
    scene.aws.addRole(LEASES, scene.trusting(name, 'sts.amazonaws.com'));
    const trusted = scene.trusting(name, 'api://AzureADTokenExchange');
    scene.azure.addIdentity({ clientId: CLIENT.replace('0', '1'), objectId: 'shop', trusted });
    const identities = { aws: await seedAws('*/leases/*'), azure: await seedAzure() };
    const serviceAccountRef = { name };
    const webIdentity = { roleArn: LEASES, serviceAccountRef };
    const { tenantId, authority: authorityHost } = scene.azure;
    const workloadIdentity = {
      tenantId,
      clientId: CLIENT.replace('0', '1'),
      authorityHost,
      serviceAccountRef,
    };
    const ways = {
      aws: { aws: { identityId: identities.aws, ...place(), webIdentity } },
      azure: { azure: { identityId: identities.azure, resource: RESOURCE, workloadIdentity } },
    };
    for (const method of ['aws', 'azure'] as const) {
      await stage.apply(...connectionAndLease(stage, `federated-${method}`, ways[method]));
      await stage.untilReady(`federated-${method}`);
      await expect
        .poll(async () => (await stage.connection(`federated-${method}`))?.status, { timeout: 30_000 })
        .toMatchObject({ method });
      expect(await untilNextLogin(identities[method])).toEqual({ logins: 2, proofs: 2 });
    }
  });

  it('by a key in a Secret logs in with another one once that is there', async () => {
    await scene.gcp.addAccount(ACCOUNT);
    const identities = {
      aws: await seedAws(USER),
      gcp: await seedIdentity(stage, {
        gcp: { type: 'iam', keysUrl: scene.gcp.accountKeysUrl, allowedServiceAccounts: ACCOUNT },
      }),
    };
    const put = async (): Promise<void> => {
      const { accessKeyId, secretAccessKey } = scene.aws.addKey(USER);
      const json = await scene.gcp.createKey(ACCOUNT);
      secrets.push(secretAccessKey, ...(json.match(/[A-Za-z0-9+/=]{60}/g) ?? []));
      await stage.apply(
        secretOf('key-aws', { id: accessKeyId, secret: secretAccessKey }),
        secretOf('key-gcp', { 'key.json': json }),
      );
    };
    await put();
    const accessKey = {
      accessKeyId: keyOf('key-aws', 'id'),
      secretAccessKey: keyOf('key-aws', 'secret'),
    };
    await stage.apply(
      ...connectionAndLease(stage, 'by-key-aws', {
        aws: { identityId: identities.aws, ...place(), accessKey },
      }),
      ...connectionAndLease(stage, 'by-key-gcp', {
        gcp: { identityId: identities.gcp, serviceAccountKey: keyOf('key-gcp', 'key.json') },
      }),
    );
    for (const cloud of ['aws', 'gcp'] as const) await stage.untilReady(`by-key-${cloud}`);
    await put();
    for (const cloud of ['aws', 'gcp'] as const) {
      const more = async (): Promise<boolean> => (await loginsOf(stage, identities[cloud])).length > 1;
      await awaitCondition(more, { what: `a login with the new key at ${cloud}`, timeoutMs: 60_000 });
      const proofs = (await loginsOf(stage, identities[cloud])).map(({ proof }) => proof);
      expect(new Set(proofs).size).toBe(proofs.length);
    }
  });

  const check = async (
    ...which: readonly string[]
  ): Promise<{ readonly code: number | null; readonly output: string }> => {
    await using run = startOperatorProcess({
      kubeconfig: stage.kubeconfig,
      environment: scene.environment,
      entry: [program, 'check'],
      flags: which,
    });
    const code = await run.ended();
    checked.push(run.output());
    return { code, output: run.output() };
  };

  it.each(['federated-aws', 'federated-azure', 'by-key-aws', 'by-key-gcp'])(
    'is tried by a check of %s',
    async (name) => {
      const { code, output } = await check('--connection', `default/${name}`);
      expect(output).toMatch(/ok +login +http/);
      expect(output).not.toContain('The cloud identity that was used');
      expect(code).toBe(0);
    },
  );

  it.each(['pod-aws', 'pod-azure', 'pod-gcp'])(
    "is tried by a check of %s, which says that it may not be the operator's own",
    async (name) => {
      const { code, output } = await check('--cluster-connection', name);
      expect(output).toMatch(/warns +credentials .*The cloud identity that was used/);
      expect(output).toMatch(/ok +login +http/);
      expect(code).toBe(0);
    },
  );

  it.each(['own-aws', 'own-azure', 'own-gcp'])('that is not allowed fails the check of %s', async (name) => {
    const { code, output } = await check('--connection', `default/${name}`);
    expect(output).toContain('CloudIdentityNotAllowed');
    expect(code).toBe(1);
  });

  const everything = (kinds: string): Promise<string> => stage.kubectl('get', kinds, '-A', '-o', 'json');
  const places: Readonly<Record<string, () => Promise<string>>> = {
    'the log': () => Promise.resolve(operator.output()),
    'a check': () => Promise.resolve(checked.join('\n')),
    'an object': () =>
      everything('dynamicsecretleases,infisicalconnections,clusterinfisicalconnections,events'),
    'a metric': async () => (await fetch(`http://${metricsAddress}/metrics`)).text(),
    'the audit log of the API server': () => readFile(stage.plane.auditLog, 'utf8'),
  };

  it.each(Object.entries(places))('leaves no credential in %s', async (_place, read) => {
    const text = await read();
    expect(text.length).toBeGreaterThan(100);
    expect(secrets.length).toBeGreaterThan(10);
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    // Tokens, temporary keys of AWS, access tokens of Google.
    expect(
      text.match(/\beyJ(?:hbGci|0eXAi|raWQi)\S*|\bASIA[0-9A-F]{16}|\bya29\.\S+|AWS4-HMAC\S+/),
    ).toBeNull();
  });
});
