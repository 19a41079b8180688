import { universalLogin } from '../../../src/infisical/auth/universal.ts';
import { type ConnectedLeaseClient, createLeaseClient } from '../../../src/infisical/client.ts';
import { gates } from '../../../src/infisical/gate/gates.ts';
import { standardTiming, type Timing } from '../../../src/timing.ts';
import { type VirtualClock, virtualClock } from '../../support/virtual-clock.ts';
import { login } from './answers.ts';
import { json, type Reply, scriptedServer, type ScriptedServer } from './scripted-server.ts';
import { type RecordedTelemetry, recordedTelemetry } from './telemetry.ts';

/** A client with Universal Auth and the scripted server that it talks to. */
export interface ClientSetting extends AsyncDisposable {
  readonly client: ConnectedLeaseClient;
  readonly server: ScriptedServer;
  readonly clock: VirtualClock;
  readonly telemetry: RecordedTelemetry;
}

/** The server takes every login: its tokens are t1, t2, … */
export async function clientSetting(timing: Partial<Timing> = {}): Promise<ClientSetting> {
  const server = await scriptedServer();
  const clock = virtualClock({ random: [0] });
  const telemetry = recordedTelemetry();
  let logins = 0;
  const loggedIn: Reply = (response, request) => {
    logins += 1;
    json(200, login(`t${String(logins)}`))(response, request);
  };
  server.on('login', loggedIn);
  const parts = { clock, timing: { ...standardTiming, ...timing }, ...telemetry };
  const client = createLeaseClient({
    network: { rule: { rule: 'administrator' } },
    host: server.host,
    login: universalLogin({ credential: (name) => Promise.resolve(name) }),
    way: 'universal',
    ...parts,
    gates: gates(parts),
  });
  return {
    client,
    server,
    clock,
    telemetry,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await client.close();
    },
  };
}
