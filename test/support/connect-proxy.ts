import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface ConnectProxyOptions {
  /** Where each host and port really is, as `host:port`: the proxy's own name service. Others are refused with 502. */
  readonly ways: Readonly<Record<string, string>>;
  /** What becomes of those who ask. @default 'pass' */
  readonly mood?: 'pass' | 'forbid' | 'ask for a login' | 'be silent' | 'break off';
}

/** A forward proxy on loopback, as organisations have one: CONNECT for https, whole URLs for http. */
export interface ConnectProxy extends AsyncDisposable {
  readonly url: string;
  /** `CONNECT host:port` or the method and URL of each request, in order. */
  readonly asked: readonly string[];
  /** The last `Proxy-Authorization`. */
  authorization(): string | undefined;
}

export async function startConnectProxy({ ways, mood = 'pass' }: ConnectProxyOptions): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let authorization: string | undefined;
  const refusals = { forbid: 403, 'ask for a login': 407 } as const;

  const server = createServer((incoming, outgoing) => {
    note(incoming);
    const target = new URL(incoming.url ?? '', 'http://nowhere');
    const way = wayTo(target.host);
    if (mood === 'be silent') return;
    if (mood === 'break off') return void incoming.socket.destroy();
    if (mood !== 'pass' || way === undefined) {
      outgoing.writeHead(mood === 'pass' ? 502 : refusals[mood]).end();
      return;
    }
    const [host, port] = way.split(':');
    const path = `${target.pathname}${target.search}`;
    const { method, headers } = incoming;
    const onward = send({ host, port, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    note(incoming);
    socket.on('error', () => socket.destroy());
    const way = wayTo(incoming.url ?? '');
    if (mood === 'be silent') return;
    if (mood === 'break off') return void socket.destroy();
    if (mood !== 'pass' || way === undefined) {
      const status = mood === 'pass' ? 502 : refusals[mood];
      socket.end(`HTTP/1.1 ${String(status)} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const [host = '', port] = way.split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });

  function note({ method, url, headers }: IncomingMessage): void {
    asked.push(`${method ?? ''} ${url ?? ''}`);
    authorization = headers['proxy-authorization'] ?? authorization;
  }

  function wayTo(host: string): string | undefined {
    return ways[host.includes(':') ? host : `${host}:80`];
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    asked,
    authorization: () => authorization,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
