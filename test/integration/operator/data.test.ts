import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { conditionOf, connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { untilCaughtUp } from './support/observe.ts';
import { LATER_ROTATION, ownLease } from './support/own-lease.ts';

describe.concurrent('what a lease carries', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const becomes: readonly (readonly [what: string, data: unknown, secret: Record<string, string>])[] = [
    [
      'values that are no text become their JSON',
      { port: 5432, tls: true, hosts: ['a', 'b'], rest: { deep: { n: 1.5 } }, text: 'as it is', zero: 0 },
      {
        port: '5432',
        tls: 'true',
        hosts: '["a","b"]',
        rest: '{"deep":{"n":1.5}}',
        text: 'as it is',
        zero: '0',
      },
    ],
    [
      'a null makes no key, an empty text an empty one',
      { nothing: null, empty: '', user: 'u' },
      { empty: '', user: 'u' },
    ],
    [
      'keys keep their case and every character that a Secret may have',
      { username: 'u', 'ca.crt': 'c', 'tls-key_1': 'k', DB_URL: 'd' },
      { username: 'u', 'ca.crt': 'c', 'tls-key_1': 'k', DB_URL: 'd' },
    ],
    [
      'every character of a value arrives, line ends and emoji too',
      { password: 'pä$$"\\\n\t🔑 \u0000end', pem: '-----BEGIN X-----\r\n' },
      { password: 'pä$$"\\\n\t🔑 \u0000end', pem: '-----BEGIN X-----\r\n' },
    ],
    [
      'names that JavaScript knows are keys like any other',
      JSON.parse('{"constructor": "c", "toString": "t", "__proto__": "p", "hasOwnProperty": "h"}'),
      JSON.parse('{"constructor": "c", "toString": "t", "__proto__": "p", "hasOwnProperty": "h"}') as Record<
        string,
        string
      >,
    ],
    [
      'numbers at the edge of what JavaScript can count stay what the server said',
      { most: Number.MAX_SAFE_INTEGER, beyond: 2 ** 53, tiny: 1e-7, huge: 1e21, minus: -0.5 },
      {
        most: '9007199254740991',
        beyond: '9007199254740992',
        tiny: '1e-7',
        huge: '1e+21',
        minus: '-0.5',
      },
    ],
    [
      'odd Unicode arrives: right to left, joined, beyond the basic plane',
      { password: '\u202Eabc\u200D\uFEFF👩‍👩‍👧 é\u0301 \u{10FFFF}' },
      { password: '\u202Eabc\u200D\uFEFF👩‍👩‍👧 é\u0301 \u{10FFFF}' },
    ],
    [
      'half a character, which no UTF-8 has, becomes the sign for one that is unknown',
      { password: 'a\uD83D', user: '\uDD11b' },
      { password: 'a\uFFFD', user: '\uFFFDb' },
    ],
  ];

  it('and what the spec says may have names that JavaScript knows', async () => {
    const own = await ownLease(stage, 'odd-spec');
    const names = { constructor: 'c', toString: 't', valueOf: 'v' };
    const config = { ...names, deep: [null, '\u202E', { hasOwnProperty: 2 ** 53 }] };
    await own.apply({ config, secret: { labels: names, annotations: names } });
    const ready = await stage.untilReady('odd-spec');

    expect(ready.status.lease?.config).toEqual(config);
    const secret = await stage.secretObject('odd-spec');
    expect(secret?.metadata.labels).toMatchObject(names);
    expect(secret?.metadata.annotations).toMatchObject(names);
    await untilCaughtUp(stage, 'odd-spec-marker');
    expect(await own.events()).toEqual(['made']);
  });

  it.each(['{"__proto__": 1}', '{"deep": [{"__proto__": {}}]}', '{"constructor": {"prototype": 1}}'])(
    'and a config that no server takes is named, costs no lease, and is mended: %s',
    async (odd) => {
      const name = `config-${String(odd.length)}`;
      const own = await ownLease(stage, name);
      await own.apply({ config: JSON.parse(odd) as unknown });
      const told = await stage.untilLease(name, (lease) => conditionOf(lease, 'Stalled')?.status === 'True');
      expect(conditionOf(told, 'Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
      expect(conditionOf(told, 'Ready')?.message).toContain('config');
      expect(conditionOf(told, 'Ready')?.message).toContain('__proto__');
      expect(await own.events()).toEqual([]);

      await own.apply({ config: { mended: true } });
      const healed = await stage.untilReady(name);
      expect(healed.status.lease?.config).toEqual({ mended: true });
      expect(await own.events()).toEqual(['made']);
    },
  );

  for (const [index, [what, data, expected]] of becomes.entries()) {
    it(`becomes a Secret: ${what}`, async () => {
      const own = await ownLease(stage, `becomes-${String(index)}`, { data });
      await own.apply();
      await stage.untilReady(own.name);
      expect(await stage.secret(own.name)).toEqual(expected);

      // What was written is what is read again: a look at it sees no change.
      await stage.kubectl('label', 'secret', own.name, 'theirs=yes');
      await untilCaughtUp(stage, `${own.name}-marker`);
      expect(await own.events()).toEqual(['made']);
    });
  }

  const refused: readonly (readonly [what: string, data: unknown, reason: string, says: string])[] = [
    ['a key with a blank', { 'no key': 'v' }, 'SecretInvalid', 'a key that a Secret cannot have'],
    ['a key that begins with two dots', { '..key': 'v' }, 'SecretInvalid', 'a key that a Secret cannot have'],
    [
      'a key in letters that Kubernetes does not know',
      { пароль: 'v' },
      'SecretInvalid',
      'a key that a Secret cannot have',
    ],
    ['a key of 254 letters', { ['k'.repeat(254)]: 'v' }, 'SecretInvalid', 'a key that a Secret cannot have'],
    ['nothing but nulls', { user: null, password: null }, 'SecretInvalid', 'carries no values'],
    ['no value at all', {}, 'SecretInvalid', 'carries no values'],
    ['data that is no object', ['a', 'b'], 'UnexpectedAnswer', 'a body of an unknown form'],
    [
      'more than a Secret can hold',
      { big: 'x'.repeat(1024 * 1024 + 1) },
      'UnexpectedAnswer',
      'a body that is too large',
    ],
  ];

  for (const [index, [what, data, reason, says]] of refused.entries()) {
    it(`${what} is refused with a reason, its lease revoked, and mended data heals it`, async () => {
      const own = await ownLease(stage, `refused-${String(index)}`, { data });
      await own.apply();
      const refusal = await stage.untilLease(
        own.name,
        (lease) => conditionOf(lease, 'Ready')?.reason === reason,
      );
      expect(conditionOf(refusal, 'Ready')?.status).toBe('False');
      expect(conditionOf(refusal, 'Ready')?.message).toContain(says);
      expect(refusal.status.attempts).toMatchObject({ reason });
      expect(await stage.secret(own.name)).toBeUndefined();
      await awaitCondition(async () => (await own.live()).length === 0, { what: 'the revocation' });

      const { dynamicSecretId } = own;
      await stage.api.overrideDynamicSecret({ dynamicSecretId, override: { data: { user: 'mended' } } });
      const healed = await stage.untilReady(own.name);
      expect(await stage.secret(own.name)).toEqual({ user: 'mended' });
      expect(await own.live()).toEqual([healed.status.lease?.id]);
      expect(healed.status).not.toHaveProperty('attempts');
      expect(healed.status).not.toHaveProperty('retiring');
    });
  }

  it('that cannot become a Secret at a rotation leaves what is there, and the next lease heals it', async () => {
    const own = await ownLease(stage, 'spoilt', { firstLife: LATER_ROTATION.life });
    await own.apply(LATER_ROTATION.spec);
    const before = await stage.untilReady('spoilt');
    const data = await stage.secret('spoilt');
    const { dynamicSecretId } = own;
    await stage.api.overrideDynamicSecret({ dynamicSecretId, override: { data: { 'a b': 'v' } } });
    const faulty = await stage.untilLease(
      'spoilt',
      (lease) => conditionOf(lease, 'Reconciling')?.reason === 'SecretInvalid',
    );
    expect(conditionOf(faulty, 'Ready')).toMatchObject({ status: 'True', reason: 'LeaseActive' });
    expect(faulty.status.lease).toEqual(before.status.lease);
    expect(await stage.secret('spoilt')).toEqual(data);

    await stage.api.overrideDynamicSecret({ dynamicSecretId, override: null });
    const after = await stage.untilLease('spoilt', ({ status }) => status.rotations === 1);
    expect(conditionOf(after, 'Reconciling')?.status).toBe('False');
    expect((await stage.secret('spoilt'))?.['DB_USERNAME']).toBe(after.status.lease?.externalEntityId);
    await awaitCondition(async () => (await own.live()).length <= 2, { what: 'the revocations' });
    expect(await own.live()).toContain(after.status.lease?.id);
  });
});
