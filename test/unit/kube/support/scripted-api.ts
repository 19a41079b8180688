import type { ServerResponse } from 'node:http';

import { loopback, type Handler, type Loopback, type Received } from './loopback.ts';

/** One object of a scripted API, with no more than what identifies it. */
export function thing(name: string, version: number, uid = `${name}-1`, namespace = 'apps'): object {
  return { metadata: { name, namespace, uid, resourceVersion: String(version) } };
}

/** An open watch, from the server's side. */
export interface OpenWatch {
  readonly query: URLSearchParams;
  readonly path: string;
  send(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR', object: object): void;
  bookmark(version: number, initialEventsEnd?: boolean): void;
  /** Ends it in due form. */
  end(): void;
  /** Breaks it off. */
  cut(): void;
  /** Answers with something else than a watch. */
  readonly response: ServerResponse;
}

/** A server whose watches are opened, one after another, by the test. */
export interface ScriptedAPI extends AsyncDisposable {
  readonly server: Loopback;
  /** The next watch that was asked for and not yet been handed out. */
  nextWatch(): Promise<OpenWatch>;
}

/** @param other answers whatever is no watch, such as lists. */
export async function scriptedAPI(
  other: Handler = (_, response) => response.writeHead(500).end(),
): Promise<ScriptedAPI> {
  const ready: OpenWatch[] = [];
  const wanted: ((watch: OpenWatch) => void)[] = [];
  const server = await loopback((received, response) => {
    if (received.query.get('watch') !== 'true') return other(received, response);
    const watch = openWatch(received, response);
    const next = wanted.shift();
    if (next === undefined) ready.push(watch);
    else next(watch);
  });
  return {
    server,
    nextWatch() {
      const watch = ready.shift();
      if (watch !== undefined) return Promise.resolve(watch);
      const { promise, resolve } = Promise.withResolvers<OpenWatch>();
      wanted.push(resolve);
      return promise;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function openWatch(received: Received, response: ServerResponse): OpenWatch {
  const line = (value: object): void => void response.write(`${JSON.stringify(value)}\n`);
  return {
    query: received.query,
    path: received.path,
    response,
    send: (type, object) => line({ type, object }),
    bookmark(version, initialEventsEnd = false) {
      const annotations = initialEventsEnd ? { 'k8s.io/initial-events-end': 'true' } : undefined;
      line({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version), annotations } } });
    },
    end: () => void response.end(),
    cut: () => void response.destroy(),
  };
}
