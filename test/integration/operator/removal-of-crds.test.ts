import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { connectionObjects, startStage } from '../../support/stage.ts';
import { ownLease } from './support/own-lease.ts';

const crds = `${path.join(import.meta.dirname, '..', '..', '..', 'crds')}/`;

describe('the CRDs', () => {
  it('deleted while objects exist: every lease is revoked, nothing hangs, and they can come back', async () => {
    await using stage = await startStage();
    const operator = await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
    const own = [await ownLease(stage, 'one'), await ownLease(stage, 'two'), await ownLease(stage, 'three')];
    for (const one of own) await one.apply();
    for (const { name } of own) await stage.untilReady(name);
    await stage.kubectl('delete', '-f', crds, '--timeout=60s');

    for (const one of own) expect(await one.events()).toEqual(['made', 'revoked']);
    const secrets = await stage.kubectl('get', 'secrets', '-l', 'leaseholder.dev/managed', '-o', 'name');
    expect(secrets).toBe('');
    // Its own Secret is no business of the operator's.
    expect(await stage.secret('infisical-login')).toBeDefined();

    await stage.kubectl('apply', '-f', crds);
    await stage.kubectl('wait', '--for=condition=Established', '-f', crds, '--timeout=60s');
    await stage.apply(...connectionObjects(stage));
    const again = await ownLease(stage, 'again');
    await again.apply();
    await stage.untilReady('again', 60_000);
    expect(await again.events()).toEqual(['made']);
    const crashed = operator.lines.filter(({ level }) => level === 'fatal');
    expect(crashed).toEqual([]);
  });
});
