import type { ServerResponse } from 'node:http';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { faultsInTurn } from '../../crash/faults.ts';
import { startRecorder, type Recorder } from '../../crash/recorder.ts';
import type { Exchange, HeldAnswer } from '../../support/proxy.ts';

const SECRETS = '/api/v1/namespaces/shop/secrets';

interface Write {
  readonly exchange: Exchange;
  /** The API server answers. */
  readonly answer: () => void;
}

function write(method = 'DELETE'): Write {
  const { promise, resolve } = Promise.withResolvers<HeldAnswer>();
  const exchange: Exchange = {
    method,
    url: `${SECRETS}/orders`,
    body: Buffer.from(''),
    outgoing: {} as ServerResponse,
    forward: () => Promise.reject(new Error('Nobody asks for it.')),
    relay: () => Promise.resolve(),
    fetch: () => promise,
    reply: () => Promise.resolve(),
    drop: () => undefined,
  };
  return { exchange, answer: () => resolve({ status: 200, headers: {}, body: Buffer.from('{}') }) };
}

function recorderOf(): Recorder {
  return startRecorder(faultsInTurn([]), () => Promise.resolve());
}

describe('the last write that a recorder has seen', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is now while one is under way: its object may show it already', async () => {
    const recorder = recorderOf();
    const { exchange, answer } = write();
    vi.advanceTimersByTime(5000);
    const passed = recorder.kube(exchange);
    vi.advanceTimersByTime(5000);
    expect(recorder.lastWriteAt()).toBe(Date.now());
    answer();
    await passed;
    const answeredAt = Date.now();
    vi.advanceTimersByTime(5000);
    expect(recorder.lastWriteAt()).toBe(answeredAt);
  });

  it('is none that only reads', async () => {
    const recorder = recorderOf();
    const startedAt = recorder.lastWriteAt();
    const { exchange, answer } = write('GET');
    vi.advanceTimersByTime(5000);
    const passed = recorder.kube(exchange);
    expect(recorder.lastWriteAt()).toBe(startedAt);
    answer();
    await passed;
    expect(recorder.lastWriteAt()).toBe(startedAt);
  });
});
