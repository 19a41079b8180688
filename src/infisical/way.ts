import type { Dispatcher } from 'undici';

import type { Clock } from '../clock.ts';
import { FaultError } from '../errors.ts';
import type { Log } from '../telemetry.ts';
import { type DialOptions, dispatcherTo, type TLSMaterial } from './dial.ts';

/** What TLS is made with: as it is, or read where it is kept. Reading throws FaultError. */
export type TLSSource = TLSMaterial | { readonly read: () => Promise<TLSMaterial>; readonly maxAge: number };

/**
 * The way to one server: its connections, made anew when what TLS is made with has changed where it is kept. Requests
 * under way end on the connections that they began on.
 */
export interface Way {
  /** Sees to it that what TLS needs is there. @throws FaultError when it cannot be read, and never could. */
  ready(): Promise<void>;
  /** Once it is ready: sends a request. */
  dispatch: Dispatcher['dispatch'];
  /** The server was not trusted, or did not trust us: whatever was read is read anew before the next request. */
  doubt(): void;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface WayOptions extends DialOptions {
  readonly tls: TLSSource;
  readonly clock: Clock;
  readonly log: Log;
}

/** Between two readings, at least, whatever is in doubt; in milliseconds. */
const LEAST_AGE = 1000;

export function way(options: WayOptions): Way {
  const { tls } = options;
  if (!('read' in tls)) {
    const dispatcher = dispatcherTo(options, tls);
    return {
      ready: () => Promise.resolve(),
      dispatch: (request, handler) => dispatcher.dispatch(request, handler),
      doubt: () => undefined,
      close: () => dispatcher.close(),
    };
  }
  return rereadWay(options, tls);
}

interface Held {
  readonly material: TLSMaterial;
  readonly dispatcher: Dispatcher;
}

function rereadWay(options: WayOptions, { read, maxAge }: Exclude<TLSSource, TLSMaterial>): Way {
  const { clock, log } = options;
  let held: Held | undefined;
  let readAt = -Infinity;
  let doubted = false;
  let closed = false;
  let underway: Promise<void> | undefined;

  function take(material: TLSMaterial): void {
    if (held !== undefined && isSame(held.material, material)) return;
    const before = held;
    held = { material, dispatcher: dispatcherTo(options, material) };
    if (before !== undefined) {
      log.info('What TLS is made with has changed; new connections are made with it.');
      void before.dispatcher.close();
    }
    if (closed) void held.dispatcher.close();
  }

  async function refresh(): Promise<void> {
    try {
      take(await read());
    } catch (error) {
      if (held === undefined) throw error;
      // What was read once leads to the server still: leases in use are not lost over a Secret that somebody deletes.
      const code = error instanceof FaultError ? error.fault.code : 'Internal';
      log.warn('What TLS is made with could not be read anew; the last of it stays in use.', { code });
    } finally {
      readAt = clock.elapsed();
      doubted = false;
      underway = undefined;
    }
  }

  return {
    ready() {
      const age = clock.elapsed() - readAt;
      const isFresh = age < LEAST_AGE || (age < maxAge && !doubted);
      if (held !== undefined && (closed || isFresh)) return Promise.resolve();
      underway ??= refresh();
      return underway;
    },
    dispatch(request, handler) {
      if (held === undefined) throw new RangeError('Nothing was made ready.');
      return held.dispatcher.dispatch(request, handler);
    },
    doubt: () => void (doubted = true),
    async close() {
      closed = true;
      await held?.dispatcher.close();
    },
  };
}

function isSame(one: TLSMaterial, other: TLSMaterial): boolean {
  return (
    one.ca === other.ca &&
    one.client?.certificate === other.client?.certificate &&
    one.client?.key === other.client?.key &&
    one.serverName === other.serverName &&
    one.insecure === other.insecure
  );
}
