import { describe, expect, test } from 'vitest';

import { link, type Link } from '../../../../src/reconcile/connection/link.ts';
import { standardTiming } from '../../../../src/timing.ts';
import { refusal, TARGET } from '../../infisical/answers.ts';
import { type ClientSetting, clientSetting } from '../../infisical/client-setting.ts';
import { pump } from '../../infisical/pump.ts';
import { html, json } from '../../infisical/scripted-server.ts';

const identity = { kind: 'InfisicalConnection', name: 'infisical', uid: 'u', host: 'h' };

function linkOf({ client, clock }: ClientSetting): Link {
  return link({ identity, client, clock, timing: standardTiming });
}

const now = json(200, { date: '2026-01-01T00:00:00.000Z' }, { date: 'Thu, 01 Jan 2026 00:00:00 GMT' });
const died = json(401, refusal(401, 'UnauthorizedError'));

describe('a link', () => {
  test('is untried, and usable once the time is known and a login worked', async () => {
    await using setting = await clientSetting();
    setting.server.on('status', now);
    const made = linkOf(setting);
    expect(made.state()).toEqual({ state: 'untried' });
    expect(await pump(setting.clock, made.ready())).toEqual({ state: 'usable' });
    await pump(setting.clock, made.ready());
    expect(setting.server.received.map(({ route }) => route)).toEqual(['status', 'login']);
  });

  test('asks once, however many wait for it, and not again before its hold-off is over', async () => {
    await using setting = await clientSetting();
    setting.server.on('status', now);
    setting.server.on('login', json(401, refusal(401, 'UnauthorizedError')));
    const made = linkOf(setting);
    const states = await pump(setting.clock, Promise.all([made.ready(), made.ready(), made.ready()]));
    for (const state of states)
      expect(state).toMatchObject({ state: 'failed', fault: { code: 'LoginRefused' } });
    const again = await made.ready();
    expect(setting.server.to('login')).toHaveLength(1);
    setting.clock.advance(again.state === 'failed' ? again.again : 0);
    await pump(setting.clock, made.ready());
    expect(setting.server.to('login')).toHaveLength(2);
  });

  test('whose tokens were refused works again by itself when the server takes one', async () => {
    await using setting = await clientSetting();
    const { server, clock, client } = setting;
    server.on('status', now, died, now);
    server.on('list', died);
    const made = linkOf(setting);
    await pump(clock, made.ready());
    await pump(
      clock,
      client.listLeases(TARGET).catch(() => undefined),
    );
    for (const expected of ['failed', 'failed', 'usable']) {
      expect(await pump(clock, made.ready())).toMatchObject({ state: expected });
      clock.advance(standardTiming.loginBackoffCap + standardTiming.backoffBase);
    }
    expect(server.to('list')).toHaveLength(2);
  });

  test('says that its server does not answer, and works at once when it does again', async () => {
    await using setting = await clientSetting();
    const { server, clock } = setting;
    server.on('status', html(503));
    const made = linkOf(setting);
    await pump(clock, made.ready());
    // The probe that this has led to.
    await pump(clock, server.arrived(2));
    await expect.poll(() => setting.client.outage()?.code).toBe('CircuitOpen');
    expect(await pump(clock, made.ready())).toMatchObject({
      state: 'failed',
      fault: { code: 'CircuitOpen' },
    });
    const before = server.received.length;
    await pump(clock, made.ready());
    expect(server.received).toHaveLength(before);

    server.on('status', now);
    clock.advance(standardTiming.probeBase);
    await pump(clock, server.arrived(before + 1));
    await expect.poll(() => setting.client.outage()).toBeUndefined();
    expect(await pump(clock, made.ready())).toEqual({ state: 'usable' });
  });
});
