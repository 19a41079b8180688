import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { startProxy, type Exchange, type Proxy } from '../../support/proxy.ts';
import { connectionObjects, leaseManifest, startStage, type Stage } from '../../support/stage.ts';
import { ownServer, type OwnServer } from './support/own-server.ts';

const LEASES = 40;
const ROUNDS = 4;

const loginAnswer = z.object({ accessToken: z.string() });

/** A server behind a proxy that notes whose tokens and credentials come. */
interface Observed extends AsyncDisposable {
  readonly server: OwnServer;
  readonly proxy: Proxy;
  readonly issued: Set<string>;
  readonly seen: Set<string>;
  readonly clientSecrets: Set<string>;
  readonly requests: () => number;
}

async function observed(): Promise<Observed> {
  const server = await ownServer();
  const [issued, seen, clientSecrets] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let requests = 0;
  async function handle(exchange: Exchange): Promise<void> {
    requests += 1;
    const { authorization } = exchange.outgoing.req.headers;
    if (authorization !== undefined) seen.add(authorization.slice('Bearer '.length));
    if (!exchange.url.endsWith('/login')) return exchange.relay();
    const { clientSecret } = z
      .object({ clientSecret: z.string() })
      .parse(JSON.parse(exchange.body.toString()));
    clientSecrets.add(clientSecret);
    const answer = await exchange.fetch();
    issued.add(loginAnswer.parse(JSON.parse(answer.body.toString())).accessToken);
    return exchange.reply(answer);
  }
  const proxy = await startProxy({ target: server.api.url, handle });
  return {
    server,
    proxy,
    issued,
    seen,
    clientSecrets,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Two tenants who have chosen the same names for everything, each with a server of his own. */
describe('two connections whose Secrets have the same names', () => {
  let stage: Stage;
  const tenants = new Map<string, Observed>();

  beforeAll(async () => {
    stage = await startStage();
    for (const namespace of ['first', 'second']) {
      const tenant = await observed();
      tenants.set(namespace, tenant);
      await stage.kubectl('create', 'namespace', namespace);
      const hostAPI = `http://127.0.0.1:${String(tenant.proxy.port)}`;
      await stage.apply(...connectionObjects(tenant.server, { namespace, hostAPI }));
    }
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    for (const tenant of tenants.values()) await tenant[Symbol.asyncDispose]();
  });

  const rotated = (times: number): Promise<unknown> =>
    awaitCondition(
      async () => {
        const path =
          '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.status.rotations}{"\\n"}{end}';
        const lines = (await stage.kubectl('get', 'dsl', '-A', '-o', `jsonpath=${path}`)).trim().split('\n');
        return (
          lines.length === 2 * LEASES &&
          lines.every((line) => line.startsWith('True') && Number(line.slice(5)) >= times)
        );
      },
      { what: `rotation ${String(times)} of all`, timeoutMs: 60_000, intervalMs: 200 },
    );

  it('never show the token, or the login, of one to the server of the other, under load and with restarts', async () => {
    let operator = await stage.startOperator({ scale: 0.2 });
    await stage.apply(
      ...[...tenants.keys()].flatMap((namespace) =>
        Array.from({ length: LEASES }, (_, index) =>
          leaseManifest(`lease-${String(index)}`, {}, { namespace }),
        ),
      ),
    );
    await rotated(0);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const before = [...tenants.values()].reduce((sum, { requests }) => sum + requests(), 0);
      await Promise.all(
        [...tenants.keys()].map((namespace) =>
          stage.kubectl(
            'annotate',
            'dsl',
            '--all',
            '-n',
            namespace,
            '--overwrite',
            `leaseholder.dev/rotate=${String(round)}`,
          ),
        ),
      );
      const busy = async (): Promise<boolean> =>
        [...tenants.values()].reduce((sum, { requests }) => sum + requests(), 0) > before + LEASES / 2;
      await awaitCondition(busy, { what: 'requests' });
      // In the middle of it.
      await (round % 2 === 0 ? operator.stop() : operator.kill());
      operator = await stage.startOperator({ scale: 0.2 });
      await rotated(round);
    }
    const [first, second] = [...tenants.values()];
    if (first === undefined || second === undefined) throw new Error('There are two tenants.');
    for (const { issued, seen, clientSecrets, server, requests } of [first, second]) {
      expect(requests()).toBeGreaterThan(LEASES * (ROUNDS + 1));
      expect([...seen].filter((token) => !issued.has(token))).toEqual([]);
      expect(issued.size).toBe(ROUNDS + 1);
      expect(seen.size).toBeGreaterThan(1);
      expect([...clientSecrets]).toEqual([server.identity.clientSecret]);
    }
    expect([...first.issued].filter((token) => second.issued.has(token))).toEqual([]);
  });
});
