import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { startControlPlane, type ControlPlane } from '../../../sandbox/control-plane/control-plane.ts';
import { installOperator, operatorAccount } from '../../../sandbox/operator/install.ts';
import { BURST_OF_OBJECT } from '../../../src/kube/event-budget.ts';
import { eventType } from '../../../src/kube/event-manifest.ts';
import { recordEvents, type EventRecorder } from '../../../src/kube/events.ts';
import { connect } from '../../../src/kube/connect.ts';
import { eventReasons, type EventSubject } from '../../../src/telemetry.ts';
import { standardTiming } from '../../../src/timing.ts';
import { leaseManifest } from '../../support/stage.ts';
import { memoryLog, type Line } from '../../unit/kube/support/telemetry.ts';
import { clientOf, clock, type Client } from './support/reflect.ts';

/** How long the test waits for repetitions to be told; ten minutes as shipped. */
const REPEAT = 1500;

const events = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      regarding: z.object({ kind: z.string(), name: z.string(), uid: z.string() }),
      reason: z.string(),
      action: z.string(),
      note: z.string(),
      type: z.string(),
      reportingController: z.string(),
      reportingInstance: z.string(),
      series: z.object({ count: z.int(), lastObservedTime: z.string() }).optional(),
    }),
  ),
});

type SeenEvent = z.infer<typeof events>['items'][number];

let plane: ControlPlane;
/** With the rights of the operator's own account, and no others. */
let client: Client;
const lines: Line[] = [];

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: false });
  await installOperator(kubectl);
  const kubeconfig = await plane.serviceAccountKubeconfig(operatorAccount);
  client = await clientOf(plane, await connect({ kubeconfig, clock }));
});
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await plane.stop();
});

async function kubectl(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await plane.kubectlRun(args);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function recorder(instance = 'leaseholder-1'): EventRecorder {
  const { log, lines: said } = memoryLog();
  const recording = recordEvents({
    resource: client.of(eventType),
    clock,
    timing: { ...standardTiming, eventRepeat: REPEAT },
    log,
    metrics: { eventTold: () => undefined },
    now: () => Date.now(),
    instance,
  });
  return {
    ...recording,
    close: async () => {
      await recording.close();
      lines.push(...said);
    },
  };
}

/** A lease object of this name, as events are about it. */
async function anObject(name: string): Promise<EventSubject> {
  await plane.kubectlRun(['apply', '-f', '-'], { input: JSON.stringify(leaseManifest(name)) });
  const uid = await kubectl('get', 'dsl', name, '-o', 'jsonpath={.metadata.uid}');
  return { kind: 'DynamicSecretLease', namespace: 'default', name, uid };
}

async function eventsAbout({ uid }: Pick<EventSubject, 'uid'>): Promise<readonly SeenEvent[]> {
  const all = events.parse(JSON.parse(await kubectl('get', 'events.events.k8s.io', '-A', '-o', 'json')));
  return all.items.filter(({ regarding }) => regarding.uid === uid);
}

describe('an event', () => {
  test('is shown by kubectl get events and by kubectl describe, with who tells it', async () => {
    const about = await anObject('shown');
    const told = recorder('leaseholder-7d4f-xkq2');
    told.warn(about, 'SecretDrifted', 'The Secret was changed by somebody else.');
    await told.close();
    const columns =
      'TYPE:.type,REASON:.reason,NAME:.involvedObject.name,FROM:.reportingComponent,MESSAGE:.message';
    const list = await kubectl('get', 'events', '--no-headers', '-o', `custom-columns=${columns}`);
    expect(list).toMatch(
      /^Warning +SecretDrifted +shown +leaseholder +The Secret was changed by somebody else\.$/m,
    );
    expect(await kubectl('events', '--for', 'dsl/shown', '--no-headers')).toMatch(
      /^\S+ +Warning +SecretDrifted +\S+\/shown +The Secret was changed by somebody else\.\n$/,
    );
    expect(await kubectl('describe', 'dsl', 'shown')).toMatch(
      /Warning +SecretDrifted +\S+ +leaseholder +The Secret was changed by somebody else\./,
    );
    expect(await eventsAbout(about)).toMatchObject([
      { action: 'ReplaceLease', type: 'Warning', reportingInstance: 'leaseholder-7d4f-xkq2' },
    ]);
  });

  test('that comes again is one event, which says how often', async () => {
    const about = await anObject('repeated');
    const told = recorder();
    for (let time = 0; time < 3; time += 1) told.warn(about, 'LeaseLost', 'The lease is gone.');
    const [only] = await awaitCondition(
      async () => {
        const found = await eventsAbout(about);
        return found.some(({ series }) => series !== undefined) ? found : undefined;
      },
      { what: 'the series', timeoutMs: 20_000 },
    );
    await told.close();
    expect(await eventsAbout(about)).toHaveLength(1);
    expect(only?.series?.count).toBe(3);
    expect(await kubectl('describe', 'dsl', 'repeated')).toMatch(/Warning +LeaseLost +\S+ \(x3 over \S+\)/);
  });

  test('that was deleted, and comes again, is told anew', async () => {
    const about = await anObject('deleted');
    const told = recorder();
    told.warn(about, 'LeaseLost', 'The lease is gone.');
    const [first] = await awaitCondition(
      async () => {
        const found = await eventsAbout(about);
        return found.length > 0 ? found : undefined;
      },
      { what: 'the event' },
    );
    await kubectl('delete', 'event', first?.metadata.name ?? '');
    told.warn(about, 'LeaseLost', 'The lease is gone.');
    const again = await awaitCondition(
      async () => {
        const found = await eventsAbout(about);
        return found.length > 0 ? found : undefined;
      },
      { what: 'the event again', timeoutMs: 20_000 },
    );
    await told.close();
    expect(again).toMatchObject([{ series: { count: 2 } }]);
    expect(again[0]?.metadata.name).not.toBe(first?.metadata.name);
  });

  test('of an object of the cluster is in namespace default', async () => {
    const about: EventSubject = {
      kind: 'ClusterInfisicalConnection',
      namespace: '',
      name: 'shared',
      uid: 'uid-of-shared',
    };
    const told = recorder();
    told.warn(about, 'ConnectionFailed', 'The login is refused.');
    await told.close();
    expect(await eventsAbout(about)).toMatchObject([{ metadata: { namespace: 'default' } }]);
  });

  test('is taken by the API whatever its reason, and however long its note and the name of the pod', async () => {
    const told = recorder('p'.repeat(253));
    const subjects = eventReasons.map((reason) => ({
      reason,
      about: { kind: 'DynamicSecret', namespace: 'default', name: 'any', uid: `uid-${reason}` } as const,
    }));
    for (const { reason, about } of subjects) told.note(about, reason, 'ü'.repeat(2000));
    await told.close();
    for (const { reason, about } of subjects)
      expect(await eventsAbout(about)).toMatchObject([{ reason, type: 'Normal' }]);
  });

  test('is dropped where its object has had too many', async () => {
    const about = await anObject('noisy');
    const told = recorder();
    for (let index = 0; index < 30; index += 1) told.warn(about, 'LeaseLost', `Number ${String(index)}.`);
    await told.close();
    expect(await eventsAbout(about)).toHaveLength(BURST_OF_OBJECT);
  });

  test('was never refused', () => {
    expect(lines.filter(({ message }) => message === 'An event could not be written.')).toEqual([]);
  });
});
