import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestFault } from './faults.ts';
import { errorAnswer, Refusal, type RefusalKind } from './refusal.ts';
import type { World } from './world.ts';

export const HTML = '<!doctype html>\n<html><head><title>Infisical</title></head><body></body></html>\n';
const HTML_TYPE = 'text/html; charset=utf-8';

type Fault<T extends RequestFault['type']> = Extract<RequestFault, { type: T }>;

/** The first fault of a type that hits a request. */
export function faultOf<T extends RequestFault['type']>(
  faults: readonly RequestFault[],
  type: T,
): Fault<T> | undefined {
  const ofType = (fault: RequestFault): fault is Fault<T> => fault.type === type;
  return faults.find(ofType);
}

/** Cuts the connection; whoever called sees it reset. */
export function cutOff(request: FastifyRequest): void {
  request.raw.socket.destroy();
}

/**
 * What happens to a request before its handler.
 *
 * @returns true if the request has been answered, or will never be.
 * @throws Refusal where the fault is a refusal in the server's own words.
 */
export async function beforeHandler(
  world: World,
  faults: readonly RequestFault[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  for (const fault of faults) {
    if (fault.type === 'delay' && fault.when === 'before') await world.clock.sleep(fault.ms);
    if (fault.type === 'config-refused') throw configRefused(fault.status);
    if (await answered(world, fault, request, reply)) return true;
  }
  return false;
}

/** What happens to an answer on its way out: the payload to send instead, and its headers. */
export async function afterHandler(
  world: World,
  faults: readonly RequestFault[],
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  payload: unknown,
): Promise<unknown> {
  let sent = payload;
  for (const fault of faults) {
    if (fault.type === 'delay' && fault.when === 'after') await world.clock.sleep(fault.ms);
    if (fault.type === 'answer-lost' && fault.when === 'after') cutOff(request);
    if (fault.type === 'status' && fault.when === 'after') sent = statusAnswer(world, fault, request, reply);
    if (fault.type === 'content-type') void reply.header('content-type', fault.value);
    if (typeof sent === 'string') sent = distorted(world, fault, sent, reply);
  }
  return sent;
}

async function answered(
  world: World,
  fault: RequestFault,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  if (fault.type === 'answer-lost' && fault.when === 'before') {
    cutOff(request);
    reply.hijack();
    return true;
  }
  if (fault.type === 'status' && fault.when === 'before') {
    await reply.send(statusAnswer(world, fault, request, reply));
    return true;
  }
  if (fault.type === 'html') {
    await reply.type(HTML_TYPE).send(HTML);
    return true;
  }
  return false;
}

/** Sets status and headers; returns the body. */
function statusAnswer(
  world: World,
  fault: Fault<'status'>,
  request: FastifyRequest,
  reply: FastifyReply,
): string {
  const { status, body, retryAfterSeconds } = fault;
  void reply.code(status);
  const retryAfter = retryAfterSeconds ?? (status === 429 ? 1 : undefined);
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  void reply.type(body === 'html' ? HTML_TYPE : 'application/json; charset=utf-8');
  if (body === 'html') return HTML;
  const kind: RefusalKind = status === 429 ? 'rate-limit' : 'internal';
  const answer = errorAnswer(
    new Refusal(kind, `Injected answer with status ${status}`),
    world.profile,
    request.id,
  );
  const error = status === 504 ? { error: 'GatewayTimeoutError' } : {};
  return JSON.stringify({ ...answer.body, statusCode: status, ...error });
}

/** What becomes of a body of text. */
function distorted(world: World, fault: RequestFault, body: string, reply: FastifyReply): string | Readable {
  switch (fault.type) {
    case 'truncated': {
      const half = body.slice(0, Math.floor(body.length / 2));
      if (fault.cut === 'body') return half;
      void reply.header('content-length', Buffer.byteLength(body));
      return Readable.from(thenBroken(half));
    }
    case 'slow-body':
      void reply.header('content-length', Buffer.byteLength(body));
      return Readable.from(byteByByte(world, body, fault.intervalMs));
    case 'huge-body':
      return body.padEnd(fault.bytes);
    default:
      return body;
  }
}

async function* thenBroken(half: string): AsyncGenerator<Buffer> {
  yield Buffer.from(half);
  throw new Error('The answer ends here');
}

async function* byteByByte(world: World, body: string, intervalMs: number): AsyncGenerator<Buffer> {
  for (const byte of Buffer.from(body)) {
    yield Buffer.from([byte]);
    await world.clock.sleep(intervalMs);
  }
}

function configRefused(status: 400 | 422): Refusal {
  if (status === 400) return new Refusal('bad-request', 'Config is not supported for this dynamic secret');
  return new Refusal('validation', 'Validation failed', {
    issues: [
      {
        code: 'unrecognized_keys',
        keys: ['leaseholder'],
        path: ['config'],
        message: "Unrecognized key(s) in object: 'leaseholder'",
      },
    ],
  });
}
