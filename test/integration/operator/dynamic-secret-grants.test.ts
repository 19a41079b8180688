import { afterAll, beforeAll, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { ACTIONS } from '../../../sandbox/lease-api/identities.ts';
import { dynamicSecretManifest, inputSecret } from '../../support/dynamic-secret-manifest.ts';
import { startStage, type Stage } from '../../support/stage.ts';
import { clusterConnection, type ClusterConnection } from './support/cluster-connection.ts';

const NAME = 'granted';
const DECLARED = `dynamicsecret/${NAME}`;
const toLease = { namespaces: ['default'] };
const toManage = { ...toLease, manage: true };

let stage: Stage;
let connection: ClusterConnection;

beforeAll(async () => {
  stage = await startStage();
  await stage.startOperator({ scale: 0.05 });
  // At the server it may do everything: what is refused here is refused by the grants.
  connection = await clusterConnection(stage, NAME, [toLease], ['shop'], ACTIONS);
  const connectionRef = { kind: 'ClusterInfisicalConnection', name: NAME };
  await stage.apply(
    inputSecret(NAME, { password: 'hunter2' }),
    dynamicSecretManifest(NAME, { connectionRef }),
  );
});
afterAll(() => stage[Symbol.asyncDispose]());

async function untilRefused(type: 'Ready' | 'Reconciling'): Promise<void> {
  const reason = `{.status.conditions[?(@.type=="${type}")].reason}`;
  await stage.kubectl('wait', DECLARED, `--for=jsonpath=${reason}=NotGranted`, '--timeout=60s');
}

async function isOnServer(): Promise<boolean> {
  return (await stage.api.dynamicSecrets()).dynamicSecrets.some(({ name }) => name === NAME);
}

it('a grant to lease is none to declare, and the condition says which one is missing', async () => {
  await untilRefused('Ready');
  const message = '{.status.conditions[?(@.type=="Ready")].message}';
  expect(await stage.kubectl('get', DECLARED, '-o', `jsonpath=${message}`)).toContain('manage');
  expect(await isOnServer()).toBe(false);
});

it('with manage it is made, and the connection counts it among the objects that use it', async () => {
  await connection.grant([toManage]);
  await stage.kubectl('wait', DECLARED, '--for=condition=Ready', '--timeout=60s');
  expect(await isOnServer()).toBe(true);
  const columns = (): Promise<string> =>
    stage.kubectl('get', 'clusterinfisicalconnection', NAME, '--no-headers');
  await awaitCondition(
    async () => /^granted +True +LoggedIn +http:\S+ +universal +1 /.test(await columns()),
    {
      what: 'the object to be counted',
    },
  );
});

it('once the grant is gone it is changed no more, and can still be removed', async () => {
  await connection.grant([toLease]);
  await untilRefused('Reconciling');
  const { requests: before } = await stage.api.dynamicSecrets();
  await stage.kubectl('patch', DECLARED, '--type=merge', '-p', '{"spec":{"defaultTTL":"2h"}}');
  await stage.kubectl('wait', DECLARED, '--for=jsonpath={.status.observedGeneration}=2', '--timeout=60s');
  expect((await stage.api.dynamicSecrets()).requests).toEqual(before);
  await stage.kubectl('delete', DECLARED, '--timeout=60s');
  expect(await isOnServer()).toBe(false);
});
