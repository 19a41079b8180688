import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import type { OperatorProcess } from '../../../sandbox/operator/operator.ts';
import { ROTATE_ANNOTATION } from '../../../src/api/names.ts';
import { connectionObjects, isReady, startStage, type Stage } from '../../support/stage.ts';
import { startKubeProxy, type KubeProxy } from './support/kube-proxy.ts';
import { untilCaughtUp } from './support/observe.ts';
import { ownLease, type OwnLease } from './support/own-lease.ts';

const kinds = ['secrets', 'dynamicsecretleases', 'infisicalconnections'] as const;

/** One after the other: there is one watch of each kind. */
describe('a watch', () => {
  let stage: Stage;
  let proxy: KubeProxy;
  let operator: OperatorProcess;

  beforeAll(async () => {
    stage = await startStage();
    proxy = await startKubeProxy(stage);
    // A twentieth: a watch that says nothing for 7.5 s is dead.
    operator = await stage.startOperator({ scale: 0.05, kubeconfig: proxy.kubeconfig });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  const leased = async (name: string): Promise<OwnLease> => {
    const own = await ownLease(stage, name);
    await own.apply();
    await stage.untilReady(name);
    return own;
  };
  const rotate = async (name: string, value = 'once'): Promise<void> =>
    void (await stage.kubectl('annotate', '--overwrite', 'dsl', name, `${ROTATE_ANNOTATION}=${value}`));
  const brokenOff = (cause: string): readonly unknown[] =>
    operator.lines
      .filter((line) => line.msg.startsWith('A watch broke off') && line['cause'] === cause)
      .map((line) => line['resource']);
  /** One more lease took the place of the first, whose Secret is gone. */
  const expectHealed = async (own: OwnLease): Promise<void> => {
    const healed = await stage.untilLease(own.name, (one) => isReady(one) && one.status.rotations === 1);
    expect(await own.events()).toEqual(['made', 'made']);
    expect((await own.record())?.lease.id).toBe(healed.status.lease?.id);
    expect((await stage.secret(own.name))?.['DB_USERNAME']).toBe(healed.status.lease?.externalEntityId);
  };

  it('that dies without a word is taken up by the watchdog: what it missed is answered, once', async () => {
    const [bare, asked, left] = [await leased('bare'), await leased('asked'), await leased('left')];
    const added = await ownLease(stage, 'added');
    for (const kind of kinds) proxy.watches.freeze(kind);
    await stage.kubectl('delete', 'secret', 'bare');
    await rotate('asked');
    await stage.kubectl('delete', 'dsl', 'left', '--wait=false');
    await added.apply();

    await stage.untilReady('added');
    await expectHealed(bare);
    await stage.untilLease('asked', ({ status }) => status.rotations === 1);
    await stage.untilGone('left');
    expect(await asked.events()).toEqual(['made', 'made']);
    expect(await left.events()).toEqual(['made', 'revoked']);
    expect(await added.events()).toEqual(['made']);
    expect(brokenOff('silent')).toEqual(expect.arrayContaining(['secrets', 'dynamicsecretleases']));
  });

  it('that loses the deletion of a Secret tells it when it is taken up again, and one lease heals it', async () => {
    const own = await leased('unheard');
    proxy.watches.freeze('secrets');
    await stage.kubectl('delete', 'secret', 'unheard');
    proxy.watches.end('secrets');
    await expectHealed(own);
    expect(await own.live()).toHaveLength(2);
  });

  it('whose place has expired is begun with a list, which lacks a deleted Secret: one lease heals it', async () => {
    const own = await leased('unlisted');
    proxy.watches.freeze('secrets');
    await stage.kubectl('delete', 'secret', 'unlisted');
    proxy.watches.expire('secrets');
    await expectHealed(own);
    expect(brokenOff('expired')).toEqual(['secrets']);
  });

  it('that ends again and again costs nothing', async () => {
    const own = await leased('steady');
    const before = await stage.lease('steady');
    const since = await stage.plane.audit.mark();
    for (const round of [1, 2, 3]) {
      for (const kind of kinds) {
        if (round === 2) proxy.watches.expire(kind);
        else proxy.watches.end(kind);
      }
      await untilCaughtUp(stage, `round-${String(round)}`);
    }
    const touched = (await stage.plane.audit.events(since)).filter(
      ({ user, name }) => user === stage.user && name === 'steady',
    );
    expect(touched).toEqual([]);
    expect(await stage.lease('steady')).toEqual(before);
    expect(await own.events()).toEqual(['made']);
  });

  it('that says things twice, and old things late, costs no lease and no write', async () => {
    const said = new Map<string, readonly string[]>();
    const forget = proxy.watches.when(({ plural, type, name, text }) => {
      if (!name.startsWith('echo') || type === 'BOOKMARK') return undefined;
      const earlier = said.get(`${plural} ${name}`) ?? [];
      said.set(`${plural} ${name}`, [...earlier, text]);
      // Each line twice, and then everything that was said of this object before, the oldest first.
      return type === 'DELETED' ? [text, text] : [text, text, ...earlier];
    });
    const since = await stage.plane.audit.mark();
    const own = await leased('echo');
    await rotate('echo');
    await stage.untilLease('echo', ({ status }) => status.rotations === 1);
    await rotate('echo', 'twice');
    const { status } = await stage.untilLease('echo', (one) => one.status.rotations === 2);
    await untilCaughtUp(stage, 'echo-marker');
    const writes = async (): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const { user, name, verb, resource } of await stage.plane.audit.events(since)) {
        if (user !== stage.user || name !== 'echo' || verb === 'get') continue;
        counts[`${verb} ${resource}`] = (counts[`${verb} ${resource}`] ?? 0) + 1;
      }
      return counts;
    };
    expect(await own.events()).toEqual(['made', 'made', 'made']);
    expect((await own.record())?.lease.id).toBe(status.lease?.id);
    const life = {
      'patch dynamicsecretleases': 1,
      'create secrets': 1,
      'patch secrets': 2,
      'patch dynamicsecretleases/status': 3,
    };
    expect(await writes()).toEqual(life);

    await stage.kubectl('delete', 'dsl', 'echo');
    expect(await stage.secret('echo')).toBeUndefined();
    expect(await own.live()).toEqual([]);
    expect(await writes()).toEqual({ ...life, 'patch dynamicsecretleases': 2, 'delete secrets': 1 });
    forget();
  });

  it('that says the past of an object after its deletion brings nothing back', async () => {
    const lines: string[] = [];
    const forget = proxy.watches.when(({ type, name, text }) => {
      if (name !== 'ghost') return undefined;
      if (type !== 'DELETED') lines.push(text);
      return type === 'DELETED' ? [text, ...lines] : undefined;
    });
    const own = await leased('ghost');
    await stage.kubectl('delete', 'dsl', 'ghost');
    await untilCaughtUp(stage, 'ghost-marker');
    forget();
    await awaitCondition(async () => (await own.live()).length === 0, { what: 'no lease' });
    expect(await own.events()).toEqual(['made', 'revoked']);
    expect(await stage.secret('ghost')).toBeUndefined();
  });
});
