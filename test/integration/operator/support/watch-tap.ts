import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';

/** One line of a watch on its way to the operator. */
export interface WatchLine {
  /** Such as "secrets". */
  readonly plural: string;
  /** ADDED, MODIFIED, DELETED, BOOKMARK or ERROR. */
  readonly type: string;
  readonly name: string;
  /** As it came, without its end. */
  readonly text: string;
}

/** The lines that are passed on instead of one: none, itself, itself twice, an older one… */
export type LineRule = (line: WatchLine) => readonly string[] | undefined;

/** The watches that run through a proxy. */
export interface WatchTap {
  /** Adds a rule; the first that says something decides. @returns a function that takes it away again. */
  when(rule: LineRule): () => void;
  /** From now on the watches of a kind that are open carry no byte, and stay open; new ones work. */
  freeze(plural: string): void;
  /** Ends the watches of a kind as a server does that no longer keeps the place where they are. */
  expire(plural: string): void;
  /** Ends the watches of a kind in due form. */
  end(plural: string): void;
}

interface Open {
  readonly plural: string;
  readonly outgoing: ServerResponse;
  frozen: boolean;
}

const watchLine = z.object({
  type: z.string(),
  object: z.object({ metadata: z.object({ name: z.string().optional() }).optional() }),
});

const EXPIRED = {
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'Expired',
    message: 'too old resource version',
    code: 410,
  },
};

export interface FedWatchTap extends WatchTap {
  /** Passes a watch on, line by line, for as long as it lasts. */
  follow(
    request: { readonly what: string },
    answered: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void>;
}

export function watchTap(): FedWatchTap {
  const rules = new Set<LineRule>();
  const watches = new Set<Open>();
  const of = (plural: string): readonly Open[] => [...watches].filter((open) => open.plural === plural);
  const passed = (line: WatchLine): readonly string[] =>
    [...rules].map((rule) => rule(line)).find((lines) => lines !== undefined) ?? [line.text];

  return {
    async follow({ what }, answered, outgoing) {
      const plural = pluralIn(what);
      outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
      outgoing.flushHeaders();
      if (answered.statusCode !== 200) return pipeline(answered, outgoing);
      const open: Open = { plural, outgoing, frozen: false };
      watches.add(open);
      outgoing.on('close', () => watches.delete(open));
      for await (const text of createInterface({ input: answered })) {
        if (open.frozen) continue;
        for (const line of passed(read(plural, text)))
          if (!outgoing.writableEnded) outgoing.write(`${line}\n`);
      }
      // A network that lost a connection tells nobody that it is over.
      if (open.frozen && !outgoing.closed) await once(outgoing, 'close');
      outgoing.end();
    },
    when(rule) {
      rules.add(rule);
      return () => void rules.delete(rule);
    },
    freeze(plural) {
      for (const open of of(plural)) open.frozen = true;
    },
    expire(plural) {
      for (const { outgoing } of of(plural)) outgoing.end(`${JSON.stringify(EXPIRED)}\n`);
    },
    end(plural) {
      for (const { outgoing } of of(plural)) outgoing.end();
    },
  };
}

/** "GET secrets" for one namespace; the whole path where it names none. */
function pluralIn(what: string): string {
  return what.split(/[ /]/).at(-1) ?? what;
}

function read(plural: string, text: string): WatchLine {
  const { type, object } = watchLine.parse(JSON.parse(text));
  return { plural, type, name: object.metadata?.name ?? '', text };
}
