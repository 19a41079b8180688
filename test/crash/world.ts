import { awaitCondition } from '../../sandbox/control-plane/condition.ts';
import type { Proxy } from '../support/proxy.ts';
import type { Recorder } from './recorder.ts';
import type { World } from './state.ts';
import { OBJECTS, type Tenant } from './tenant.ts';

/**
 * Waits until nothing of a process that was killed is on its way any more: what it had sent may be done after its death.
 */
export async function atRest(proxies: readonly Proxy[], recorder: Recorder): Promise<void> {
  const probe = async (): Promise<boolean> => {
    const open = await Promise.all(proxies.map((proxy) => proxy.connections()));
    return recorder.underWay() === 0 && open.every((count) => count === 0);
  };
  await awaitCondition(probe, {
    what: 'the killed process’ requests to end',
    timeoutMs: 10_000,
    intervalMs: 2,
  });
}

/** How everything stands, while no process runs. */
export async function gatherWorld(
  tenant: Tenant,
  { recorder, steps }: { readonly recorder: Recorder; readonly steps: readonly string[] },
): Promise<World> {
  const [objects, connection, live] = await Promise.all([
    Promise.all(OBJECTS.map(async (name) => ({ name, ...(await tenant.raw(name)) }))),
    tenant.rawConnection(),
    tenant.liveLeases(),
  ]);
  const issued = recorder.issued.flatMap(({ id, password }) =>
    password === undefined ? [] : [[id, password] as const],
  );
  return {
    server: tenant.server,
    steps: [...steps],
    objects,
    connection,
    live,
    issued: new Map(issued),
    names: { [tenant.namespace]: 'namespace', [tenant.hostAPI]: 'server' },
  };
}
