import { describe, expect, test } from 'vitest';

import { installationId } from '../../src/installation.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import type { Transport } from '../../src/kube/transport.ts';
import { standardTiming } from '../../src/timing.ts';
import { SECOND } from '../support/builders.ts';
import { virtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { memoryLog } from './kube/support/telemetry.ts';

const away = new KubeError('get namespaces', { reason: 'ConnectionRefused' });
const forbidden = new KubeError('get namespaces', { status: 403, reason: 'Forbidden' });

interface Asking {
  readonly clock: VirtualClock;
  readonly asked: Promise<string>;
}

/** @param answer what the API server says when so many milliseconds have passed: an error, or the uid of kube-system. */
function ask(answer: (elapsed: number) => KubeError | string): Asking {
  const clock = virtualClock();
  const transport: Transport = {
    request: () => {
      const said = answer(clock.elapsed());
      return typeof said === 'string' ? Promise.resolve({ metadata: { uid: said } }) : Promise.reject(said);
    },
    async *stream() {},
    now: () => undefined,
    close: () => Promise.resolve(),
  };
  const { log } = memoryLog();
  const stop = new AbortController().signal;
  const asked = installationId({ transport, clock, timing: standardTiming, log, stop });
  return { clock, asked };
}

describe('the installation', () => {
  test('has the uid of kube-system', async () => {
    expect(await ask(() => 'uid').asked).toBe('uid');
  });

  test('is asked for until the API server is there, and knows its roles, however long it was away', async () => {
    const { clock, asked } = ask((elapsed) => {
      if (elapsed < 300 * SECOND) return away;
      return elapsed < 310 * SECOND ? forbidden : 'uid';
    });
    await clock.run(320 * SECOND);
    expect(await asked).toBe('uid');
  });

  test('cannot be told by one who may not look, once that has lasted', async () => {
    const { clock, asked } = ask(() => forbidden);
    await Promise.all([
      expect(asked).rejects.toThrow('Grant its service account "get" on it'),
      clock.run(40 * SECOND),
    ]);
  });
});
