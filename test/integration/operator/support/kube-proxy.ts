import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, createServer, request as send } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

import { writeKubeconfig } from '../../../../sandbox/control-plane/kubeconfig.ts';
import { createCertificates } from '../../../../sandbox/lease-api/certificate.ts';
import { tokenIn, type Stage } from '../../../support/stage.ts';
import { watchTap, type WatchTap } from './watch-tap.ts';

/** One request on its way to the API server. */
export interface KubeRequest {
  /** Such as "POST secrets" or "PATCH dynamicsecretleases/status". */
  readonly what: string;
  /** The object's name: from the path, or of a POST from its body. */
  readonly name: string;
  readonly dryRun: boolean;
  readonly query: URLSearchParams;
}

/** An answer of the API server that is no success. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly message?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** What becomes of a request that is not simply passed on. */
export type Interference =
  /** The connection is cut, and nothing was done. */
  | { readonly do: 'drop' }
  /** It is done, and the connection is cut instead of the answer. */
  | { readonly do: 'lose' }
  /** Nobody answers, ever. */
  | { readonly do: 'hang' }
  /** A watch says these lines, is then open and silent, and in the end is ended. */
  | { readonly do: 'say'; readonly lines: readonly string[]; readonly until: Promise<unknown> }
  /** Another answer, and nothing was done. */
  | ({ readonly do: 'answer' } & Refusal)
  /** Passed on, once this has happened. */
  | { readonly do: 'first'; readonly act: () => Promise<unknown> };

/** Whoever is asked first and says something decides. */
export type Rule = (request: KubeRequest) => Interference | undefined;

/** The API server behind a proxy that ends TLS, so that a test can meet one request and no other. */
export interface KubeProxy extends AsyncDisposable {
  /** The operator's kubeconfig, through the proxy. */
  readonly kubeconfig: string;
  /** Adds a rule. @returns a function that takes it away again. */
  when(rule: Rule): () => void;
  /** Meets a number of requests for one object, in each of the given ways; after that they are passed on. */
  meet(what: string, name: string, ...ways: readonly Interference[]): void;
  /** What the watches carry. */
  readonly watches: WatchTap;
}

export async function startKubeProxy(stage: Stage): Promise<KubeProxy> {
  const { plane } = stage;
  const certificates = createCertificates();
  const upstream = new Agent({ ca: await readFile(plane.caFile, 'utf8'), keepAlive: true });
  const rules = new Set<Rule>();
  const watches = watchTap();

  const server = createServer(certificates, (incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const request = requestOf(incoming, body);
    const interference = [...rules].map((rule) => rule(request)).find((one) => one !== undefined);
    switch (interference?.do) {
      case 'drop':
        outgoing.destroy();
        return;
      case 'hang':
        return;
      case 'answer':
        answer(outgoing, interference);
        return;
      case 'say':
        outgoing.writeHead(200, { 'content-type': 'application/json' });
        outgoing.write(interference.lines.map((line) => `${line}\n`).join(''));
        await interference.until;
        outgoing.end();
        return;
      case 'first':
        await interference.act();
        break;
      case 'lose':
      case undefined:
    }
    const answered = await passOn(incoming, body, outgoing);
    if (interference?.do === 'lose') {
      answered.resume();
      outgoing.destroy();
      return;
    }
    if (request.query.has('watch')) {
      await watches.follow(request, answered, outgoing);
      return;
    }
    outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
    outgoing.flushHeaders();
    await pipeline(answered, outgoing);
  }

  async function passOn(
    { url, method, headers }: IncomingMessage,
    body: Buffer,
    outgoing: ServerResponse,
  ): Promise<IncomingMessage> {
    const { hostname, port } = new URL(plane.server);
    const onward = send({ hostname, port, path: url, method, headers, agent: upstream });
    // A watch that the operator gives up is given up here too.
    outgoing.on('close', () => onward.destroy());
    onward.end(body);
    const [answered] = (await once(onward, 'response')) as [IncomingMessage];
    return answered;
  }

  const { port } = server.address() as AddressInfo;
  const kubeconfig = path.join(plane.directory, `kubeconfig-proxy-${String(port)}`);
  await writeKubeconfig(kubeconfig, {
    server: `https://127.0.0.1:${String(port)}`,
    ca: certificates.ca,
    user: stage.user,
    token: await tokenIn(stage.kubeconfig),
  });
  const when = (rule: Rule): (() => void) => {
    rules.add(rule);
    return () => void rules.delete(rule);
  };
  return {
    kubeconfig,
    when,
    watches,
    meet(what, name, ...ways) {
      const left = [...ways];
      const forget = when((request) => {
        if (request.what !== what || request.name !== name || request.dryRun) return undefined;
        const way = left.shift();
        if (left.length === 0) forget();
        return way;
      });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      upstream.destroy();
      await once(server, 'close');
    },
  };
}

const objectPath = /^\/apis?\/(?:[^/]+\/)*?namespaces\/[^/]+\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

function requestOf({ method = '', url = '/' }: IncomingMessage, body: Buffer): KubeRequest {
  const { pathname, searchParams } = new URL(url, 'https://server');
  const [, plural = pathname, name, subresource] = objectPath.exec(pathname) ?? [];
  return {
    what: `${method} ${plural}${subresource === undefined ? '' : `/${subresource}`}`,
    name: name ?? nameIn(body),
    dryRun: searchParams.has('dryRun'),
    query: searchParams,
  };
}

function nameIn(body: Buffer): string {
  if (body.length === 0) return '';
  const object = JSON.parse(body.toString()) as { readonly metadata?: { readonly name?: string } };
  return object.metadata?.name ?? '';
}

function answer(outgoing: ServerResponse, { status, reason, message, retryAfter }: Refusal): void {
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    date: new Date().toUTCString(),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  });
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code: status };
  outgoing.end(JSON.stringify(body));
}
