import type { CertificateSet } from '../../sandbox/lease-api/certificate.ts';
import { startProxy, type Exchange } from '../support/proxy.ts';
import { isWatch, type Weather } from './weather.ts';

/** A way to an API, which can be closed for a while. */
export interface Way extends AsyncDisposable {
  readonly port: number;
  /** Refuses connections. */
  close(): Promise<void>;
  open(): Promise<void>;
}

/** The way of one operator to the Kubernetes API. */
export interface KubeWay extends Way {
  /** Every watch breaks off. */
  cutWatches(): void;
  /** Every watch that is open stays open and says nothing more. */
  freezeWatches(): void;
}

interface WatchThrough {
  frozen: boolean;
  readonly exchange: Exchange;
}

export async function startKubeWay(options: {
  readonly target: string;
  readonly ca: string;
  readonly certificates: CertificateSet;
  readonly weather: Weather;
}): Promise<KubeWay> {
  const { weather, ...rest } = options;
  const watches = new Set<WatchThrough>();

  async function passWatch(exchange: Exchange): Promise<void> {
    const { outgoing } = exchange;
    const answered = await exchange.forward();
    const through: WatchThrough = { frozen: false, exchange };
    watches.add(through);
    outgoing.on('close', () => watches.delete(through));
    outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
    outgoing.flushHeaders();
    try {
      for await (const chunk of answered) if (!through.frozen) outgoing.write(chunk);
      if (!through.frozen) outgoing.end();
    } finally {
      if (!through.frozen && !outgoing.writableEnded) exchange.drop();
    }
  }

  const proxy = await startProxy({
    ...rest,
    handle: (exchange) => (isWatch(exchange) ? passWatch(exchange) : weather.meet(exchange, 'kube')),
  });
  return {
    ...proxy,
    cutWatches() {
      for (const { exchange } of watches) exchange.drop();
    },
    freezeWatches() {
      for (const watch of watches) watch.frozen = true;
    },
  };
}

export function startLeaseApiWay(target: string, weather: Weather): Promise<Way> {
  return startProxy({ target, handle: (exchange) => weather.meet(exchange, 'lease-api') });
}
