import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { writeKubeconfig } from '../../../../sandbox/control-plane/kubeconfig.ts';
import { createCertificates } from '../../../../sandbox/lease-api/certificate.ts';
import { kubeRequestOf, type KubeRequest } from '../../../support/kube-request.ts';
import { startProxy, type Exchange, type HeldAnswer } from '../../../support/proxy.ts';
import { tokenIn } from '../../../../sandbox/control-plane/kubeconfig.ts';
import type { Stage } from '../../../support/stage.ts';
import { watchTap, type WatchTap } from './watch-tap.ts';

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
  const rules = new Set<Rule>();
  const watches = watchTap();

  async function handle(exchange: Exchange): Promise<void> {
    const { method, url, body, outgoing } = exchange;
    const request = kubeRequestOf(method, url, body);
    const interference = [...rules].map((rule) => rule(request)).find((one) => one !== undefined);
    switch (interference?.do) {
      case 'drop':
        exchange.drop();
        return;
      case 'hang':
        return;
      case 'answer':
        await exchange.reply(refusalAnswer(interference));
        return;
      case 'lose':
        await exchange.fetch();
        exchange.drop();
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
      case undefined:
    }
    if (request.query.has('watch')) await watches.follow(request, await exchange.forward(), outgoing);
    else await exchange.relay();
  }

  const ca = await readFile(plane.caFile, 'utf8');
  const proxy = await startProxy({ target: plane.server, ca, certificates, handle });
  const { port } = proxy;
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
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

function refusalAnswer({ status, reason, message, retryAfter }: Refusal): HeldAnswer {
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code: status };
  return {
    status,
    headers: {
      'content-type': 'application/json',
      date: new Date().toUTCString(),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: Buffer.from(JSON.stringify(body)),
  };
}
