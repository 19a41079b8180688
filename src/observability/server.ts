import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Log } from '../telemetry.ts';

/** What the operator tells the kubelet and Prometheus. */
export interface Answers {
  /** False when the process cannot mend itself and should be started anew. */
  alive(): boolean;
  /** Whether the process does its work, and if not, what it still waits for: names for people, no credentials. */
  ready(): { readonly ready: boolean; readonly waitingFor: readonly string[] };
  /** The metrics, ready to be sent. */
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface Address {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface ObservabilityServer {
  /** The port that is listened on: the one asked for, or the one that the system chose for 0. */
  readonly port: number;
  /** Stops listening and breaks off what is still open. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

/**
 * Serves, over plain HTTP and to GET and HEAD only:
 *
 *  - `/livez`: 200 while `alive()` holds. That an answer comes at all shows that the event loop turns; the probe's own
 *    timeout notices when it does not.
 *  - `/readyz`: 200 when `ready()` says so, else 503 with a line for each thing that is waited for.
 *  - `/metrics`: Prometheus' text format.
 *
 * Anything else is 404 (405 for another method). A check that throws is 500 without a word of the reason.
 *
 * @throws (rejects) the system's error when the address cannot be listened on.
 */
export async function startServer(
  { host, port }: Address,
  answers: Answers,
  log: Log,
): Promise<ObservabilityServer> {
  const server = createServer(limits, (request, response) => {
    // `answer` turns every failure into a status, so that nothing is left to catch.
    void answer(request, answers).then((given) => send(request, response, given));
  });
  server.maxConnections = 256;
  await listening(server, host, port);
  // Too many open files, say: one connection is lost, not the operator.
  server.on('error', (error) =>
    log.warn('the server of probes and metrics met an error', { error: error.name }),
  );
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    close: () => closed(server),
  };
}

/** A probe is a hundred bytes and is answered at once: whoever needs longer is no probe. Milliseconds and bytes. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};

type Route = (answers: Answers) => Answer | Promise<Answer>;

const routes = new Map<string, Route>([
  ['/livez', livez],
  ['/readyz', readyz],
  ['/metrics', async (answers) => ({ status: 200, ...(await answers.metrics()) })],
]);

function livez(answers: Answers): Answer {
  return answers.alive() ? { status: 200, body: 'ok\n' } : { status: 503, body: 'not alive\n' };
}

function readyz(answers: Answers): Answer {
  const { ready, waitingFor } = answers.ready();
  if (ready) return { status: 200, body: 'ok\n' };
  return {
    status: 503,
    body: ['not ready', ...waitingFor.map((thing) => `waiting for ${thing}`), ''].join('\n'),
  };
}

async function answer(request: IncomingMessage, answers: Answers): Promise<Answer> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const route = routes.get(path);
  if (route === undefined) return { status: 404, body: 'not found\n' };
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, body: 'GET and HEAD only\n' };
  try {
    return await route(answers);
  } catch {
    return { status: 500, body: 'failed\n' };
  }
}

function send(request: IncomingMessage, response: ServerResponse, given: Answer): void {
  const hasBody = 'content-length' in request.headers || 'transfer-encoding' in request.headers;
  response.writeHead(given.status, {
    'content-type': given.contentType ?? 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(given.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(given.status === 405 ? { allow: 'GET, HEAD' } : {}),
    // A body that nobody asked for is not read: the connection ends instead.
    ...(hasBody ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : given.body);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, () => {
    server.off('error', reject);
    resolve();
  });
  return promise;
}

function closed(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // The callback's error only says that the server was closed before.
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}
