import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP relay in front of a server: it counts connections, and can cut, refuse or freeze them. */
export interface Relay extends AsyncDisposable {
  readonly url: string;
  /** How many connections were opened through it. */
  readonly connections: number;
  /** Breaks every connection off, and refuses new ones until `restore`. */
  cut(): Promise<void>;
  /** Lets no byte through, and closes nothing: as a network does that has lost a route. New connections work. */
  freeze(): void;
  /** Takes connections again. */
  restore(): Promise<void>;
}

/** Starts a relay on loopback in front of `https://127.0.0.1:<port>`. */
export async function startRelay(target: string): Promise<Relay> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<readonly [Socket, Socket]>();
  let connections = 0;
  let server: Server | undefined;
  let own = 0;

  const accept = (near: Socket): void => {
    connections += 1;
    const far = connect(Number(port), hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  };
  const listen = async (): Promise<void> => {
    server = createServer(accept).listen(own, '127.0.0.1');
    await once(server, 'listening');
    own = (server.address() as AddressInfo).port;
  };
  const cut = async (): Promise<void> => {
    const closed = server === undefined ? undefined : once(server, 'close');
    server?.close();
    server = undefined;
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
    await closed;
  };

  await listen();
  return {
    url: `https://127.0.0.1:${String(own)}`,
    get connections() {
      return connections;
    },
    cut,
    freeze() {
      for (const [near, far] of pairs) {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
    },
    restore: listen,
    [Symbol.asyncDispose]: cut,
  };
}
