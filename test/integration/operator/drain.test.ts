import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { startOperatorProcess, type OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { CONNECTION_FINALIZER, FINALIZER, MANAGED_LABEL } from '../../../src/api/names.ts';
import { SHARD_LABEL } from '../../../src/api/shard.ts';
import { dynamicSecretManifest, inputSecret } from '../../support/dynamic-secret-manifest.ts';
import {
  conditionOf,
  connectionObjects,
  leaseManifest,
  startStage,
  type Stage,
} from '../../support/stage.ts';
import { ownLease } from './support/own-lease.ts';
import { ownServer } from './support/own-server.ts';

const program = path.join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

const heldObjects = z.object({
  items: z.array(
    z
      .object({
        metadata: z.object({
          namespace: z.string(),
          name: z.string(),
          finalizers: z.array(z.string()).default([]),
        }),
      })
      .transform(({ metadata }) => metadata),
  ),
});

/** One after the other: a drain takes everything away. */
describe('leaseholder drain', () => {
  let stage: Stage;
  let kubeconfig: string;
  const running = new Set<OperatorProcess>();

  beforeAll(async () => {
    stage = await startStage();
    // Whoever drains has the operator's rights, and that of deleting leases.
    const account = { namespace: 'leaseholder-system', name: 'drainer' };
    kubeconfig = await stage.plane.serviceAccountKubeconfig(account);
    const subject = '--serviceaccount=leaseholder-system:drainer';
    const bind = (name: string, ...args: string[]): Promise<string> =>
      stage.kubectl('create', ...args.slice(0, 1), name, ...args.slice(1), subject);
    await bind('drainer', 'clusterrolebinding', '--clusterrole=leaseholder');
    await bind('drainer-deletes', 'clusterrolebinding', '--clusterrole=leaseholder-drain');
    await bind('drainer', 'rolebinding', '--role=leaseholder', '--namespace=leaseholder-system');
  });
  beforeEach(async () => {
    for (const operator of running) await operator.stop();
    running.clear();
    await clear();
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const drain = (...flags: readonly string[]): OperatorProcess => {
    const drainage = startOperatorProcess({ kubeconfig, entry: [program, 'drain'], flags });
    running.add(drainage);
    return drainage;
  };
  const lead = async (): Promise<OperatorProcess> => {
    const operator = await stage.startOperator({ election: true });
    running.add(operator);
    return operator;
  };
  const secrets = async (): Promise<string> =>
    stage.kubectl('get', 'secrets', '-A', '-l', MANAGED_LABEL, '-o', 'name');
  const leased = async (
    ...names: readonly string[]
  ): Promise<readonly Awaited<ReturnType<typeof ownLease>>[]> => {
    const own = await Promise.all(names.map((name) => ownLease(stage, name)));
    await stage.apply(...own.map((one) => one.manifest()));
    for (const name of names) await stage.untilReady(name);
    return own;
  };
  /** As somebody who takes all finalizers away: nothing of an earlier test is left, whether it failed or not. */
  const clear = async (): Promise<void> => {
    await stage.api.disarmFaults();
    const forced = JSON.stringify({ metadata: { finalizers: null } });
    for (const kind of ['dynamicsecretleases', 'dynamicsecrets', 'infisicalconnections']) {
      const { items } = heldObjects.parse(await stage.read(`/apis/leaseholder.dev/v1alpha1/${kind}`));
      for (const { namespace, name } of items.filter(({ finalizers }) => finalizers.length > 0)) {
        const object = ['-n', namespace, `${kind}/${name}`] as const;
        await stage.kubectl('delete', ...object, '--wait=false');
        await stage.kubectl('patch', ...object, '--type=merge', '-p', forced);
      }
    }
    // Nobody owns what they leave, but for the garbage collector.
    await awaitCondition(async () => (await secrets()) === '', { what: 'the Secrets to go' });
  };

  it('beside an operator that works: has that one revoke everything, and nothing is left', async () => {
    const operator = await lead();
    const own = await leased('one', 'two', 'three');
    const drainage = drain('--timeout', '60s');
    expect(await drainage.ended()).toBe(0);

    for (const one of own) expect(await one.events()).toEqual(['made', 'revoked']);
    expect(await stage.kubectl('get', 'dsl', '-A', '-o', 'name')).toBe('');
    expect(await secrets()).toBe('');
    for (const name of ['one', 'two', 'three']) {
      expect(drainage.output()).toContain(`DynamicSecretLease default/${name}: Its deletion is asked for.\n`);
      expect(drainage.output()).toContain(`DynamicSecretLease default/${name}: Gone.\n`);
    }
    expect(drainage.output()).toContain('Nothing is left. DynamicSecretLeases gone: 3.');
    await expect
      .poll(() => operator.lines.filter(({ msg }) => msg === 'A lease was revoked.'))
      .toHaveLength(3);
    expect(drainage.lines).toEqual([]);
  });

  it('without an operator: does the work itself', async () => {
    const operator = await lead();
    const own = await leased('four', 'five');
    expect(await operator.stop()).toBe(0);
    const drainage = drain('--timeout=60s');
    expect(await drainage.ended()).toBe(0);
    for (const one of own) expect(await one.events()).toEqual(['made', 'revoked']);
    expect(await secrets()).toBe('');
    // What has drained lets the lead go.
    await lead();
  });

  it('takes dynamic secrets away, too, after the leases of them', async () => {
    await lead();
    const name = 'declared';
    const connectionRef = { name: 'declarer' };
    const identity = await stage.api.seedIdentity({ grants: [{ projectSlug: 'shop' }] });
    const byReference = { connectionRef: undefined, dynamicSecret: undefined, dynamicSecretRef: { name } };
    await stage.apply(
      ...connectionObjects({ api: stage.api, identity }, connectionRef),
      inputSecret(name, { password: 'hunter2' }),
      dynamicSecretManifest(name, { connectionRef }),
      leaseManifest('of-declared', byReference),
    );
    await stage.untilReady('of-declared');
    const drainage = drain('--timeout=60s');
    expect(await drainage.ended()).toBe(0);
    const told = drainage.output();
    expect(told.indexOf(`DynamicSecretLease default/of-declared: Gone.`)).toBeGreaterThan(0);
    expect(told.indexOf(`DynamicSecret default/${name}: Its deletion is asked for.`)).toBeGreaterThan(
      told.indexOf(`DynamicSecretLease default/of-declared: Gone.`),
    );
    expect(told).toContain('Nothing is left. DynamicSecretLeases gone: 1. DynamicSecrets gone: 1.');
    const { dynamicSecrets } = await stage.api.dynamicSecrets();
    expect(dynamicSecrets.map((one) => one.name)).not.toContain(name);
  });

  it('where there is nothing: says so', async () => {
    const drainage = drain();
    expect(await drainage.ended()).toBe(0);
    expect(drainage.output()).toBe('Nothing is left. DynamicSecretLeases gone: 0.');
  });

  it('in given namespaces: leaves the others alone', async () => {
    const operator = await lead();
    const [here] = await leased('here');
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } };
    await stage.apply(namespace, ...connectionObjects(stage, { namespace: 'elsewhere' }));
    await stage.apply(leaseManifest('there', {}, { namespace: 'elsewhere' }));
    await awaitCondition(() => stage.secret('there', 'elsewhere'), { what: 'the Secret' });
    expect(await drain('--namespaces=default').ended()).toBe(0);
    expect(await here?.events()).toEqual(['made', 'revoked']);
    expect((await stage.lease('there', 'elsewhere'))?.deletedAt).toBeUndefined();
    expect(await stage.secret('there', 'elsewhere')).toBeDefined();
    expect(await drain().ended()).toBe(0);
    expect(await operator.stop()).toBe(0);
  });

  it('of a shard: leaves the objects of the others alone, and the connection that they use', async () => {
    const operator = await lead();
    const [kept] = await leased('of-none');
    const shard = await stage.startOperator({ flags: ['--shard', 'b'] });
    const drained = await ownLease(stage, 'of-b');
    await drained.apply({}, { labels: { [SHARD_LABEL]: 'b' } });
    await stage.untilReady('of-b');
    await stage.kubectl('wait', '--for=jsonpath={.metadata.finalizers[1]}', 'infisicalconnection/infisical');
    expect(await shard.stop()).toBe(0);

    expect(await drain('--shard=b', '--leader-election=off', '--timeout=60s').ended()).toBe(0);
    expect(await drained.events()).toEqual(['made', 'revoked']);
    expect(await kept?.events()).toEqual(['made']);
    expect((await stage.lease('of-none'))?.deletedAt).toBeUndefined();
    expect(await secrets()).toBe('secret/of-none\n');
    expect((await stage.connection('infisical'))?.finalizers).toEqual([CONNECTION_FINALIZER]);
    expect(await operator.stop()).toBe(0);
  });

  it('while the lease API cannot be reached: tells what is left and why, and ends with 1', async () => {
    const server = await ownServer();
    const spec = { connectionRef: { name: 'doomed' } };
    const objects = connectionObjects({ ...server, api: server.api }, { name: 'doomed' });
    await stage.apply(...objects, leaseManifest('first', spec), leaseManifest('stuck', spec));
    await lead();
    await stage.untilReady('first');
    await stage.untilReady('stuck');
    await server[Symbol.asyncDispose]();
    // How soon the circuit opens is a matter of chance. When it has, there is one reason for whatever goes on.
    await stage.kubectl('delete', 'dsl', 'first', '--wait=false');
    await stage.untilLease(
      'first',
      (lease) => conditionOf(lease, 'Reconciling')?.reason === 'CircuitOpen',
      60_000,
    );
    const drainage = drain('--timeout', '10s');
    expect(await drainage.ended()).toBe(1);
    expect(drainage.output()).toContain('Time is up. DynamicSecretLeases gone: 0.\nLeft: ');
    for (const name of ['first', 'stuck']) {
      expect(drainage.output()).toMatch(
        new RegExp(` {2}DynamicSecretLease default/${name}: \\S+ does not answer \\(connection refused\\)`),
      );
      expect(drainage.output()).toContain(
        `  Secret default/${name}: DynamicSecretLease default/${name} goes first.`,
      );
      expect((await stage.lease(name))?.finalizers).toEqual([FINALIZER]);
    }
  });

  it('without the right to delete: names the refusal', async () => {
    await lead();
    const [kept] = await leased('kept');
    const drainage = startOperatorProcess({ kubeconfig: stage.kubeconfig, entry: [program, 'drain'] });
    running.add(drainage);
    const refusal = 'DynamicSecretLease default/kept: Its deletion was refused (Forbidden).';
    await awaitCondition(() => Promise.resolve(drainage.output().includes(`${refusal}\n`)), {
      what: 'the refusal',
    });
    expect(await drainage.stop()).toBe(1);
    expect(drainage.output()).toContain(`  ${refusal}\n`);
    expect(await kept?.events()).toEqual(['made']);
  });

  it('that is interrupted: ends at once with 1, and the next one goes on', async () => {
    const operator = await lead();
    const [own] = await leased('interrupted');
    expect(await operator.stop()).toBe(0);
    await stage.api.armFault({
      match: { route: 'lease-delete', times: 'always' },
      action: { type: 'status', status: 500 },
    });
    const drainage = drain();
    const waits = (): Promise<boolean> =>
      Promise.resolve(/default\/interrupted: .* failed with status 500/.test(drainage.output()));
    await awaitCondition(waits, { what: 'the reason' });
    expect(await drainage.stop()).toBe(1);
    expect(drainage.output()).toContain('Stopped. DynamicSecretLeases gone: 0.\nLeft: ');
    await stage.api.disarmFaults();
    const next = drain('--timeout=60s');
    await next.ended();
    expect(next.output()).toContain('Nothing is left.');
    expect(await own?.events()).toContain('revoked');
  });
});
