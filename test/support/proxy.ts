import { once } from 'node:events';
import { createServer as createPlainServer, request as sendPlain, Agent as PlainAgent } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { Agent, createServer, request as send, Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

/** A whole answer. */
export interface HeldAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request that has arrived at a proxy, and what may become of it. */
export interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body: Buffer;
  readonly outgoing: ServerResponse;
  /** Passes the request on; given up when the client gives up. @returns the answer, as soon as it begins. */
  forward(): Promise<IncomingMessage>;
  /** Passes the request on and streams the answer back as it comes. */
  relay(): Promise<void>;
  /** Passes the request on and takes the whole answer, whether the client still waits for it or not. */
  fetch(): Promise<HeldAnswer>;
  /** Gives an answer. Resolves when it has left. */
  reply(answer: HeldAnswer): Promise<void>;
  /** Cuts the connection. */
  drop(): void;
}

/** What a proxy shows of itself, and whom it asks for a certificate. */
export interface Certificates {
  readonly key: string;
  readonly cert: string;
  /** With `requestCert`: who must have signed the certificates of clients. */
  readonly ca?: string;
  readonly requestCert?: boolean;
}

export interface ProxyOptions {
  /** Where requests are passed on to. */
  readonly target: string;
  /** PEM: whom to trust there. */
  readonly ca?: string;
  /** With these the proxy itself speaks TLS. */
  readonly certificates?: Certificates;
  /** What is done with each request. One that fails cuts the connection. */
  readonly handle: (exchange: Exchange) => Promise<void>;
}

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** How many connections are open to it. */
  connections(): Promise<number>;
  /** Cuts every connection and refuses others. */
  close(): Promise<void>;
  /** Takes connections again, at the same port. */
  open(): Promise<void>;
  /** Shows other certificates from the next connection on. Only for one that speaks TLS. */
  certify(certificates: Certificates): void;
}

/** A server on loopback that stands before another one, so that each request can be met. */
export async function startProxy({ target, ca, certificates, handle }: ProxyOptions): Promise<Proxy> {
  const { hostname, port: upstreamPort, protocol } = new URL(target);
  const secure = protocol === 'https:';
  const agent = secure ? new Agent({ ca, keepAlive: true }) : new PlainAgent({ keepAlive: true });

  function passOn({ url, method, headers }: IncomingMessage, body: Buffer): ReturnType<typeof send> {
    const options = { hostname, port: upstreamPort, path: url, method, headers, agent };
    const onward = secure ? send(options) : sendPlain(options);
    onward.end(body);
    return onward;
  }

  async function exchangeOf(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Exchange> {
    const body = await bytesOf(incoming);
    const forward = async (): Promise<IncomingMessage> => {
      const onward = passOn(incoming, body);
      // A watch that the client gives up is given up here too.
      outgoing.on('close', () => onward.destroy());
      const [answered] = (await once(onward, 'response')) as [IncomingMessage];
      return answered;
    };
    return {
      method: incoming.method ?? '',
      url: incoming.url ?? '/',
      body,
      outgoing,
      forward,
      async relay() {
        const answered = await forward();
        outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
        outgoing.flushHeaders();
        await pipeline(answered, outgoing);
      },
      async fetch() {
        const [answered] = (await once(passOn(incoming, body), 'response')) as [IncomingMessage];
        const { statusCode: status = 502, headers } = answered;
        return { status, headers, body: await bytesOf(answered) };
      },
      async reply(answer) {
        // One that has gone away hears nothing more.
        if (outgoing.destroyed) return;
        const left = once(outgoing, 'close');
        const { 'transfer-encoding': _chunked, ...headers } = answer.headers;
        outgoing.writeHead(answer.status, { ...headers, 'content-length': answer.body.length });
        const finished = once(outgoing, 'finish');
        outgoing.end(answer.body);
        await Promise.race([finished, left]);
      },
      drop: () => void outgoing.destroy(),
    };
  }

  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    exchangeOf(incoming, outgoing)
      .then(handle)
      .catch(() => outgoing.destroy());
  };
  const server: Server =
    certificates === undefined ? createPlainServer(listener) : createServer(certificates, listener);
  const listen = async (at: number): Promise<void> => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connections: () => promisify(server.getConnections.bind(server))(),
    close,
    open: () => listen(port),
    certify(others) {
      if (!(server instanceof SecureServer)) throw new TypeError('This proxy speaks no TLS.');
      server.setSecureContext(others);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await close();
    },
  };
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
