import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';

/** The part of an audit.k8s.io/v1 Event that tests ask for; everything else is dropped. */
const auditLine = z.object({
  auditID: z.string(),
  stage: z.string(),
  stageTimestamp: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  userAgent: z.string().default(''),
  user: z.object({ username: z.string() }),
  objectRef: z
    .object({
      resource: z.string().default(''),
      subresource: z.string().optional(),
      apiGroup: z.string().default(''),
      namespace: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  responseStatus: z.object({ code: z.number().optional() }).optional(),
  requestObject: z.unknown().optional(),
});

/** One request to the API server. */
export interface AuditEvent {
  readonly id: string;
  readonly user: string;
  readonly verb: string;
  /** Plural name with the subresource, as `secrets` or `dynamicsecretleases/status`; empty for other paths. */
  readonly resource: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** HTTP status; undefined when there was no answer. */
  readonly responseCode: number | undefined;
  readonly requestURI: string;
  readonly userAgent: string;
  /** `ResponseComplete`; `ResponseStarted` for a watch; `Panic` for a fault of the server. */
  readonly stage: string;
  /** RFC 3339, microseconds: the end of the request, the start of a watch. */
  readonly timestamp: string;
  /** What was sent; recorded for writes of leaseholder.dev objects only. */
  readonly requestObject: unknown;
}

/** A place in the log: bytes from its start, always the beginning of a line. */
export type AuditMark = number;

/**
 * Reads an audit log while it grows. Each ordinary request is one event, recorded when it was answered, and each
 * watch is one event, recorded when it started.
 */
export class AuditLog {
  readonly #file: string;
  readonly #settle: () => Promise<void>;

  /** @param settle resolves when the events of all requests answered so far are in the file */
  constructor(file: string, settle: () => Promise<void>) {
    this.#file = file;
    this.#settle = settle;
  }

  /** The end of the log, all requests answered so far included. */
  async mark(): Promise<AuditMark> {
    await this.#settle();
    return this.size();
  }

  /** As `mark`, without asking the API server: the end of the last line that is whole. */
  async size(): Promise<AuditMark> {
    return endOfLines(this.#file);
  }

  /** The events since a mark, by default all, in the order in which they were written. */
  async events(since: AuditMark = 0): Promise<AuditEvent[]> {
    await this.#settle();
    return this.eventsSoFar(since);
  }

  /** As `events`, one after the other: a log of hundreds of megabytes need not be held as a whole. */
  async *stream(since: AuditMark = 0): AsyncGenerator<AuditEvent> {
    await this.#settle();
    for await (const line of completeLines(this.#file, since)) yield parseAuditLine(line);
  }

  /** As `events`, without asking the API server: for one that is paused or stopped. The newest may be missing. */
  async eventsSoFar(since: AuditMark = 0): Promise<AuditEvent[]> {
    const events: AuditEvent[] = [];
    for await (const line of completeLines(this.#file, since)) events.push(parseAuditLine(line));
    return events;
  }

  /** How many requests a user made since a mark, by verb and resource: `{'create secrets': 1}`. */
  async count(user: string, since: AuditMark = 0): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const event of await this.events(since)) {
      if (event.user !== user) continue;
      const key = `${event.verb} ${event.resource || event.requestURI}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }
}

/** @throws ZodError or SyntaxError when the line is no audit event */
export function parseAuditLine(line: string): AuditEvent {
  const event = auditLine.parse(JSON.parse(line));
  const { resource = '', subresource, apiGroup = '', namespace, name } = event.objectRef ?? {};
  return {
    id: event.auditID,
    user: event.user.username,
    verb: event.verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    group: apiGroup,
    namespace,
    name,
    responseCode: event.responseStatus?.code,
    requestURI: event.requestURI,
    userAgent: event.userAgent,
    stage: event.stage,
    timestamp: event.stageTimestamp,
    requestObject: event.requestObject,
  };
}

/** A last line without its end is still being written: it is left for the next reading. */
async function* completeLines(file: string, start: number): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, { start, encoding: 'utf8' })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** Bytes that are looked through at a time. */
const PIECE = 64 * 1024;

/** Where the last line ends that is whole: a long line is seen to grow while it is written. */
async function endOfLines(file: string): Promise<number> {
  await using handle = await open(file);
  const buffer = Buffer.alloc(PIECE);
  let end = (await handle.stat()).size;
  while (end > 0) {
    const start = Math.max(end - PIECE, 0);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(10);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
