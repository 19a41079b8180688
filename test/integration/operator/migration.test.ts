import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import { migrateText } from '../../../src/migrate/command.ts';
import { conditionOf, startStage, type Stage } from '../../support/stage.ts';
import { requestsFor } from './support/observe.ts';
import { defined } from './support/own-lease.ts';

const run = promisify(execFile);

/** The other operator's kind, as far as the API server has to know it. */
const theirs = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'infisicaldynamicsecrets.secrets.infisical.com' },
  spec: {
    group: 'secrets.infisical.com',
    scope: 'Namespaced',
    names: {
      kind: 'InfisicalDynamicSecret',
      listKind: 'InfisicalDynamicSecretList',
      plural: 'infisicaldynamicsecrets',
      singular: 'infisicaldynamicsecret',
    },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const manifest = z.looseObject({ kind: z.string() });

const object = z.object({ metadata: z.object({ uid: z.string() }) });

/** Credentials as the other operator has written them. */
const old = { DB_USERNAME: 'theirs', DB_PASSWORD: 'still-works' };

/** docs/migration.md, step by step, from an object whose Secret is in use. */
describe('the migration of an InfisicalDynamicSecret', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.apply(theirs);
    await stage.kubectl('wait', '--for=condition=Established', 'crd', theirs.metadata.name, '--timeout=30s');
    const { clientId, clientSecret } = stage.identity;
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'identity', namespace: 'default' },
      stringData: { clientId, clientSecret },
    });
    await stage.startOperator({ scale: 0.05 });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  /** An old object with its Secret, as it stands in a cluster. */
  async function standing(name: string, creationPolicy: 'Owner' | 'Orphan'): Promise<void> {
    await stage.apply({
      apiVersion: 'secrets.infisical.com/v1alpha1',
      kind: 'InfisicalDynamicSecret',
      metadata: { name, namespace: 'default' },
      spec: {
        hostAPI: `${stage.api.url}/api`,
        authentication: {
          universalAuth: { credentialsRef: { secretName: 'identity', secretNamespace: 'default' } },
        },
        dynamicSecret: {
          secretName: 'orders',
          secretsPath: '/',
          environmentSlug: 'prod',
          projectSlug: 'shop',
        },
        leaseRevocationPolicy: 'Revoke',
        leaseTTL: '1h',
        managedSecretReference: { secretName: name, secretNamespace: 'default', creationPolicy },
      },
    });
    const path = `/apis/secrets.infisical.com/v1alpha1/namespaces/default/infisicaldynamicsecrets/${name}`;
    const { uid } = object.parse(await stage.read(path)).metadata;
    const owner = {
      apiVersion: 'secrets.infisical.com/v1alpha1',
      kind: 'InfisicalDynamicSecret',
      name,
      uid,
      controller: true,
    };
    await stage.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace: 'default',
        ...(creationPolicy === 'Owner' ? { ownerReferences: [owner] } : {}),
      },
      stringData: old,
    });
  }

  /** What the converter makes of the old object, as the API server has it: manifests, and the commands of the comments. */
  async function converted(name: string): Promise<{ manifests: object[]; commands: readonly string[] }> {
    const text = await stage.kubectl('get', 'infisicaldynamicsecrets', name, '-o', 'yaml');
    const { manifests, faults } = await migrateText(text, new Map());
    expect(faults).toEqual([]);
    const documents = parseAllDocuments(manifests);
    const objects = Array.isArray(documents) ? documents.map((one) => manifest.parse(one.toJS())) : [];
    return {
      manifests: objects,
      commands: [...manifests.matchAll(/^# kubectl (.*)$/gm)].flatMap(([, line]) => line ?? []),
    };
  }

  /** A line for kubectl, as a shell takes it apart. */
  async function kubectl(line: string): Promise<void> {
    const { stdout } = await run('/bin/sh', ['-c', `printf '%s\\n' ${line}`]);
    await stage.kubectl(...stdout.trimEnd().split('\n'));
  }

  it.each(['Owner', 'Orphan'] as const)(
    'takes over the Secret of %s without a moment in which it is not there, and it outlives the old object',
    async (policy) => {
      const name = `orders-${policy.toLowerCase()}`;
      await standing(name, policy);
      const { uid } = defined(await stage.secretObject(name)).metadata;
      const since = await stage.plane.audit.mark();
      const { manifests, commands } = await converted(name);
      expect(commands).toHaveLength(1);
      for (const command of commands) await kubectl(command);
      expect(await stage.secret(name)).toEqual(old);
      await stage.apply(...manifests);
      const { status } = await stage.untilReady(name);

      const after = defined(await stage.secretObject(name));
      // The same object: it was never deleted, so never absent.
      expect(after.metadata.uid).toBe(uid);
      expect(Object.keys(after.data)).toEqual(expect.arrayContaining(Object.keys(old)));
      expect(after.data['DB_USERNAME']).toBe(status.lease?.externalEntityId);
      const writes = (await requestsFor(stage, name, since)).filter((one) =>
        /^(create|patch|update|delete)\w* secrets$/.test(one),
      );
      expect(writes.filter((one) => one.startsWith('delete'))).toEqual([]);
      expect(writes).toContain('patch secrets');
      expect(after.metadata.ownerReferences).toMatchObject([{ kind: 'DynamicSecretLease', name }]);

      await stage.kubectl('delete', 'infisicaldynamicsecret', name, '--cascade=foreground', '--timeout=60s');
      expect(defined(await stage.secretObject(name)).metadata.uid).toBe(uid);
    },
  );

  it('leaves a Secret alone that the old object still owns, and asks for no lease', async () => {
    await standing('kept', 'Owner');
    const before = await stage.secretObject('kept');
    const { manifests } = await converted('kept');
    await stage.kubectl('annotate', 'secret', 'kept', 'leaseholder.dev/adopt-by=kept');
    await stage.apply(...manifests);
    await stage.untilLease('kept', (lease) => conditionOf(lease, 'Ready')?.reason === 'SecretConflict');
    expect(await stage.secret('kept')).toEqual(old);
    expect((await stage.secretObject('kept'))?.metadata.uid).toBe(before?.metadata.uid);
  });
});
