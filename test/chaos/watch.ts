import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** Something that the API server said of an object; `object` as it sent it. */
export interface Sighting {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: unknown;
}

export interface WatchOptions {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  /** The path of the kind, of all namespaces. */
  readonly path: string;
  readonly onSighting: (sighting: Sighting) => void;
}

/** The API server ends a watch after this at the earliest; a run takes less, and takes it up again if not. */
const WATCH_SECONDS = 3500;

/** Watches a kind from its beginning, before there is any object, straight at the API server. */
export function startWatch({ server, ca, token, path, onSighting }: WatchOptions): AsyncDisposable {
  const agent = new Agent({ connect: { ca }, bodyTimeout: 0 });
  const ending = new AbortController();
  let version = '0';

  function take(line: string): void {
    const { type, object } = JSON.parse(line) as Sighting & {
      readonly object: { readonly metadata?: { readonly resourceVersion?: string } };
    };
    if (!['ADDED', 'MODIFIED', 'DELETED'].includes(type))
      throw new Error(`The watch of ${path} broke: ${line}`);
    version = object.metadata?.resourceVersion ?? version;
    onSighting({ type, object });
  }

  async function watch(): Promise<void> {
    const query = `watch=true&timeoutSeconds=${String(WATCH_SECONDS)}&resourceVersion=${version}`;
    const { statusCode, body } = await request(`${server}${path}?${query}`, {
      dispatcher: agent,
      signal: ending.signal,
      headers: { authorization: `Bearer ${token}` },
    });
    if (statusCode !== 200) {
      await body.dump();
      // A kind that is new is served after a moment.
      if (statusCode === 404 || statusCode === 429) return;
      throw new Error(`The watch of ${path} was answered with ${String(statusCode)}.`);
    }
    let rest = '';
    for await (const chunk of body.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    }
  }

  const watching = (async () => {
    while (!ending.signal.aborted) {
      await watch();
      await delay(100);
    }
  })();
  const ended = watching.catch((error: unknown) => {
    // Without its eyes the run would judge nothing: it ends.
    if (!ending.signal.aborted)
      queueMicrotask(() => {
        throw error;
      });
  });
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await ended;
      await agent.destroy();
    },
  };
}
