import { describe, expect, test } from 'vitest';

import type { Outcome } from '../../../../src/infisical/exchange.ts';
import { gates, type GatedTransport } from '../../../../src/infisical/gate/gates.ts';
import type { Route, Transport, TransportRequest } from '../../../../src/infisical/transport.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { settled, virtualClock, type VirtualClock } from '../../../support/virtual-clock.ts';
import { recordedTelemetry } from '../telemetry.ts';

const HOST = 'https://infisical.example.com';
const refused: Extract<Outcome, { kind: 'failed' }> = {
  kind: 'failed',
  sent: false,
  cause: { kind: 'unreachable', words: 'connection refused' },
};

function ok(headers?: { limit: number; remaining: number; reset: number }): Outcome {
  const rateLimit = headers && {
    limit: String(headers.limit),
    remaining: String(headers.remaining),
    reset: String(headers.reset),
  };
  return { kind: 'answered', status: 200, body: {}, headers: { rateLimit } };
}

/** A server, the gates before it, and what reached it: `connection route`. */
class Stage {
  readonly clock: VirtualClock = virtualClock({ random: [0.5] });
  readonly telemetry = recordedTelemetry();
  readonly reached: string[] = [];
  readonly told: string[] = [];
  readonly all = gates({ clock: this.clock, timing: standardTiming, ...this.telemetry });
  /** What it answers, and by its promise when. */
  answer: (wanted: TransportRequest, number: number) => Promise<Outcome> = () => Promise.resolve(ok());

  connect(name: string, host = HOST): GatedTransport {
    const transport: Transport = {
      host,
      request: (wanted) => {
        wanted.onSending?.();
        this.reached.push(`${name} ${wanted.route}`);
        return this.answer(wanted, this.reached.length);
      },
      close: () => Promise.resolve(),
    };
    return this.all.behind(transport, () => this.told.push(name));
  }

  /** A window of so many requests, which counts each that comes. */
  limit(most: number): void {
    let window = { endsAt: 0, count: 0 };
    this.answer = () => {
      const now = this.clock.elapsed();
      if (window.endsAt <= now) window = { endsAt: now + 60_000, count: 0 };
      window.count += 1;
      const reset = Math.max(1, Math.ceil((window.endsAt - now) / 1000));
      const remaining = Math.max(0, most - window.count);
      return Promise.resolve(ok({ limit: most, remaining, reset }));
    };
  }

  reachedRoutes(route: Route): number {
    return this.reached.filter((one) => one.endsWith(` ${route}`)).length;
  }
}

function ask(
  transport: GatedTransport,
  { route = 'create-lease', ...rest }: Partial<TransportRequest> = {},
): Promise<Outcome> {
  return transport.request({ method: 'POST', path: '/x', deadline: Infinity, route, ...rest });
}

describe('a server that limits the rate', () => {
  test('is asked for no more than it allows, and nothing is lost', async () => {
    const stage = new Stage();
    stage.limit(8);
    const one = stage.connect('one');
    await ask(one);
    const outcomes = Array.from({ length: 15 }, () => ask(one));
    await stage.clock.run(59_000);
    expect(stage.reached).toHaveLength(8);
    await stage.clock.run(120_000);
    expect(stage.reached).toHaveLength(16);
    expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(
      Array.from({ length: 15 }, () => 'answered'),
    );
  });

  test('is used by its connections in turn, whoever came first', async () => {
    const stage = new Stage();
    stage.limit(4);
    const [many, few] = [stage.connect('many'), stage.connect('few')];
    await Promise.all([ask(many), ask(many), ask(many), ask(many)]);
    for (let count = 0; count < 6; count += 1) void ask(many);
    for (let count = 0; count < 2; count += 1) void ask(few);
    await stage.clock.run(59_900);
    expect(stage.reached).toHaveLength(4);
    await stage.clock.run(60_000);
    expect(stage.reached.slice(4, 8)).toEqual(
      ['many', 'few', 'many', 'few'].map((name) => `${name} create-lease`),
    );
  });

  test('is asked first for what is needed first', async () => {
    const stage = new Stage();
    stage.limit(3);
    const one = stage.connect('one');
    const order: string[] = [];
    await Promise.all([ask(one), ask(one), ask(one)]);
    const wanted = [
      ['late', 900],
      ['whenever', undefined],
      ['soon', 100],
    ] as const;
    for (const [name, neededBy] of wanted) void ask(one, { neededBy, onSending: () => order.push(name) });
    await stage.clock.run(119_000);
    expect(order).toEqual(['soon', 'late', 'whenever']);
  });

  test('is asked for no more than four things at once before it has told its limit, for two seconds', async () => {
    const stage = new Stage();
    stage.answer = () => new Promise(() => undefined);
    const one = stage.connect('one');
    for (let count = 0; count < 9; count += 1) void ask(one);
    await stage.clock.run(1900);
    expect(stage.reached).toHaveLength(4);
    await stage.clock.run(200);
    expect(stage.reached).toHaveLength(9);
  });

  test('that has none is asked for everything at once', async () => {
    const stage = new Stage();
    const one = stage.connect('one');
    await ask(one);
    stage.answer = () => new Promise(() => undefined);
    for (let count = 0; count < 99; count += 1) void ask(one);
    await settled();
    expect(stage.reached).toHaveLength(100);
  });

  test('counts its routes apart, and its state not at all', async () => {
    const stage = new Stage();
    stage.limit(1);
    const one = stage.connect('one');
    await ask(one);
    void ask(one);
    await ask(one, { route: 'login' });
    await ask(one, { route: 'status' });
    expect(stage.reached).toEqual(['one create-lease', 'one login', 'one status']);
  });

  test('is no reason to wait at another server', async () => {
    const stage = new Stage();
    stage.limit(1);
    const [one, other] = [stage.connect('one'), stage.connect('other', 'https://other.example.com')];
    await ask(one);
    void ask(one);
    await ask(other);
    expect(stage.reached).toEqual(['one create-lease', 'other create-lease']);
  });

  test('has its refusal waited out by everybody', async () => {
    const stage = new Stage();
    const [one, other] = [stage.connect('one'), stage.connect('other')];
    stage.answer = (_wanted, number) =>
      Promise.resolve(
        number > 1 ? ok() : ({ ...ok(), status: 429, headers: { retryAfter: '7' } } as Outcome),
      );
    await ask(one);
    void ask(other);
    await stage.clock.run(6900);
    expect(stage.reached).toHaveLength(1);
    await stage.clock.run(200);
    expect(stage.reached).toHaveLength(2);
  });

  test('does not make a deadline run while its turn is waited for', async () => {
    const stage = new Stage();
    stage.limit(1);
    const one = stage.connect('one');
    await ask(one);
    const deadlines: number[] = [];
    const { answer } = stage;
    stage.answer = (wanted, number) => {
      deadlines.push(wanted.deadline - stage.clock.elapsed());
      return answer(wanted, number);
    };
    void ask(one, { deadline: stage.clock.elapsed() + 60_000 });
    await stage.clock.run(61_000);
    expect(deadlines).toEqual([60_000]);
  });

  test('is not waited for longer than two minutes', async () => {
    const stage = new Stage();
    const one = stage.connect('one');
    stage.answer = () =>
      Promise.resolve({ ...ok(), status: 429, headers: { retryAfter: '3000' } } as Outcome);
    await ask(one);
    const outcome = ask(one);
    await stage.clock.run(120_000);
    expect(await outcome).toMatchObject({
      kind: 'heldBack',
      fault: { code: 'RateLimited', retryAfter: 2_880_000 },
    });
    expect(stage.reached).toHaveLength(1);
    expect(stage.telemetry.counts).toContainEqual(['heldBack', 'limit']);
  });

  test('is not waited for at the end of the process, or of the connection', async () => {
    const stage = new Stage();
    stage.limit(1);
    const [one, other] = [stage.connect('one'), stage.connect('other')];
    await ask(one);
    const [ofOne, ofOther] = [ask(one), ask(other)];
    await one.close();
    expect(await ofOne).toMatchObject({ kind: 'heldBack' });
    stage.all.hurry();
    expect(await ofOther).toMatchObject({ kind: 'heldBack' });
    expect(await ask(other)).toMatchObject({ kind: 'heldBack' });
    await other.close();
    expect(stage.clock.timers).toBe(0);
  });

  test('frees the turn of a request that was thought better of', async () => {
    const stage = new Stage();
    stage.answer = () => Promise.resolve(ok({ limit: 2, remaining: 1, reset: 60 }));
    const one = stage.connect('one');
    await ask(one);
    await expect(pumped(stage, ask(one, { onSending: regret }))).rejects.toThrow('No more.');
    await stage.clock.run(60_000);
    void ask(one);
    await settled();
    expect(stage.reached).toHaveLength(2);
  });
});

describe('a server that does not answer', () => {
  test('is asked no more after five failures and a probe, and everybody is told once', async () => {
    const stage = new Stage();
    const [one, other] = [stage.connect('one'), stage.connect('other')];
    await openCircuit(stage, one);
    expect(stage.reachedRoutes('status')).toBe(1);
    stage.reached.length = 0;
    expect(await ask(other)).toMatchObject({
      kind: 'heldBack',
      fault: {
        code: 'CircuitOpen',
        retry: 'backoff',
        message: expect.stringContaining(`${HOST} does not answer (connection refused)`) as string,
      },
    });
    expect(await ask(one, { route: 'login' })).toMatchObject({ kind: 'heldBack' });
    expect(await ask(one, { route: 'status' })).toMatchObject({ kind: 'heldBack' });
    expect(stage.reached).toEqual([]);
    expect(stage.told.toSorted()).toEqual(['one', 'other']);
  });

  test('is asked whether it answers by one request at a time, at most every 15 s, and never by two', async () => {
    const stage = new Stage();
    const one = stage.connect('one');
    stage.connect('other');
    await openCircuit(stage, one);
    stage.reached.length = 0;
    let open = 0;
    stage.answer = async () => {
      open += 1;
      expect(open).toBe(1);
      await new Promise<void>((resolve) => void stage.clock.after(100, resolve));
      open -= 1;
      return refused;
    };
    await stage.clock.run(600_000);
    // 600 s, each probe three quarters of 15 s after the one before but for the first few.
    expect(stage.reached.length).toBeGreaterThan(40);
    expect(stage.reached.length).toBeLessThan(60);
    expect(new Set(stage.reached)).toEqual(new Set(['one status', 'other status']));
  });

  test('is used within 30 s when it answers again, however long it did not', async () => {
    const stage = new Stage();
    const one = stage.connect('one');
    await openCircuit(stage, one);
    await stage.clock.run(3_600_000);
    stage.answer = () => Promise.resolve(ok());
    stage.told.length = 0;
    await stage.clock.run(30_000);
    expect(stage.told).toEqual(['one']);
    expect(one.outage()).toBeUndefined();
    expect(await ask(one)).toMatchObject({ kind: 'answered' });
  });

  test('makes nobody wait for a turn there', async () => {
    const stage = new Stage();
    const one = stage.connect('one');
    stage.limit(1);
    await ask(one);
    const waiting = ask(one);
    stage.answer = () => Promise.resolve(refused);
    await ask(one, { route: 'status' });
    await settled();
    expect(await waiting).toMatchObject({ kind: 'heldBack', fault: { code: 'CircuitOpen' } });
  });

  test('is still asked by others where only the requests of one connection hang', async () => {
    const stage = new Stage();
    const [hanging, well] = [stage.connect('hanging'), stage.connect('well')];
    const lost: Outcome = { ...refused, sent: true };
    stage.answer = ({ route }) => Promise.resolve(route === 'create-lease' ? lost : ok());
    for (let count = 0; count < 50; count += 1) {
      expect(await ask(hanging)).toEqual(lost);
      await settled();
    }
    expect(await ask(well, { route: 'get-lease' })).toMatchObject({ kind: 'answered' });
    expect(stage.told).toEqual([]);
  });

  test('is no matter to another server', async () => {
    const stage = new Stage();
    const [one, other] = [stage.connect('one'), stage.connect('other', 'https://other.example.com')];
    await openCircuit(stage, one);
    stage.answer = () => Promise.resolve(ok());
    expect(await ask(other)).toMatchObject({ kind: 'answered' });
  });

  test('is asked no more when no connection leads there, and is unknown to one that comes later', async () => {
    const stage = new Stage();
    const one = stage.connect('one');
    await openCircuit(stage, one);
    await one.close();
    expect(stage.clock.timers).toBe(0);
    stage.answer = () => Promise.resolve(ok());
    expect(await ask(stage.connect('later'))).toMatchObject({ kind: 'answered' });
  });
});

function regret(): never {
  throw new RangeError('No more.');
}

/** Its circuit opens. */
async function openCircuit(stage: Stage, transport: GatedTransport): Promise<void> {
  stage.answer = () => Promise.resolve(refused);
  for (let count = 0; count < 5; count += 1) await ask(transport);
  await settled();
}

/** An outcome, with time going on while it is waited for. */
async function pumped(stage: Stage, outcome: Promise<Outcome>): Promise<Outcome> {
  const state = { pending: true };
  const watched = outcome.finally(() => (state.pending = false));
  watched.catch(() => undefined);
  while (state.pending) await stage.clock.run(100);
  return watched;
}
