import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface DeadServer extends AsyncDisposable {
  readonly url: string;
}

/** A server that takes every connection and never answers: worse than one that refuses, since nobody is told. */
export async function startDeadServer(): Promise<DeadServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
