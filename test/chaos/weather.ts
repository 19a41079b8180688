import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import type { Random } from '../simulation/random.ts';
import { kubeRequestOf } from '../support/kube-request.ts';
import type { Exchange } from '../support/proxy.ts';

/** What may become of a single request. */
const FAULTS = [
  /** Cut before it was passed on. */
  'cut',
  /** Done, and the answer lost. */
  'answer-lost',
  /** Done, and half of the answer comes. */
  'answer-torn',
  /** Done, and the answer comes late. */
  'slow',
  /** Not done. */
  'refused-503',
  /** Done, and said to have failed. */
  'done-500',
  /** Not done, with `retry-after`. */
  'refused-429',
] as const;
type FaultKind = (typeof FAULTS)[number];

/** The share of requests that meet one. */
const SHARE = 0.03;

/** After a request for an object's lease met a fault, the next ones of the object meet none for so long: it waits. */
const LEASE_REQUEST_REST = 20_000;

/** How late a slow answer comes at the latest, in milliseconds: past the deadline of a request to either side. */
const SLOWEST = 3500;

/** Decides what becomes of each request. */
export interface Weather {
  /** Passes a request on, or not. */
  meet(exchange: Exchange, side: 'kube' | 'lease-api'): Promise<void>;
  /** How many requests met what, as "kube cut". */
  readonly counts: ReadonlyMap<string, number>;
  /** From now on nothing is disturbed. */
  calm(): void;
}

export function startWeather(random: Random): Weather {
  const counts = new Map<string, number>();
  const restUntil = new Map<string, number>();
  let calm = false;

  function draw(exchange: Exchange): FaultKind | undefined {
    if (calm || !random.chance(SHARE)) return undefined;
    const object = leaseRequester(exchange);
    if (object !== undefined) {
      if ((restUntil.get(object) ?? 0) > Date.now()) return undefined;
      restUntil.set(object, Date.now() + LEASE_REQUEST_REST);
    }
    return random.pick(FAULTS);
  }

  return {
    async meet(exchange, side) {
      const kind = draw(exchange);
      if (kind === undefined) return exchange.relay();
      const what = `${side} ${kind}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
      return disturb(exchange, kind, random.next());
    },
    counts,
    calm: () => void (calm = true),
  };
}

/** The uid of the object for which a lease is asked for. */
function leaseRequester({ method, url, body }: Exchange): string | undefined {
  if (method !== 'POST' || !url.startsWith('/api/v1/dynamic-secrets/leases')) return undefined;
  const { config } = JSON.parse(body.toString()) as {
    readonly config?: { readonly leaseholder?: { readonly object?: string } };
  };
  return config?.leaseholder?.object;
}

async function disturb(exchange: Exchange, kind: FaultKind, chance: number): Promise<void> {
  switch (kind) {
    case 'cut':
      return exchange.drop();
    case 'answer-lost':
      await exchange.fetch();
      return exchange.drop();
    case 'answer-torn':
      return tear(exchange);
    case 'slow': {
      const answer = await exchange.fetch();
      await delay(chance * SLOWEST);
      return exchange.reply(answer);
    }
    case 'refused-503':
      return refuse(exchange, 503);
    case 'done-500':
      await exchange.fetch();
      return refuse(exchange, 500);
    case 'refused-429':
      return refuse(exchange, 429, { 'retry-after': '1' });
  }
}

async function tear(exchange: Exchange): Promise<void> {
  const { status, headers, body } = await exchange.fetch();
  const { outgoing } = exchange;
  if (outgoing.destroyed) return;
  const { 'transfer-encoding': _chunked, ...rest } = headers;
  outgoing.writeHead(status, { ...rest, 'content-length': body.length });
  await written(outgoing, body.subarray(0, Math.floor(body.length / 2)));
  exchange.drop();
}

function written(outgoing: ServerResponse, part: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once('close', resolve);
  outgoing.write(part, () => resolve());
  return promise;
}

/** An answer that a balancer before either API might give as well. */
function refuse(exchange: Exchange, status: number, headers: Record<string, string> = {}): Promise<void> {
  const body = Buffer.from(JSON.stringify({ message: 'Not now.' }));
  return exchange.reply({ status, headers: { 'content-type': 'application/json', ...headers }, body });
}

/** Whether a request is a watch, which is no single request: it has blows of its own. */
export function isWatch({ method, url, body }: Exchange): boolean {
  return method === 'GET' && kubeRequestOf(method, url, body).query.has('watch');
}
