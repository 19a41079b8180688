import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { awaitCondition } from '../../../sandbox/control-plane/condition.ts';
import { conditionOf, connectionObjects, startStage, type Stage } from '../../support/stage.ts';
import { ownLease } from './support/own-lease.ts';

const data = { DB_USERNAME: 'v-role 1', DB_PASSWORD: 'p@ss:w/rd\\', ACCESS_KEY: 'AKIA', SECRET_KEY: 's+k/' };

describe.concurrent('the shape of a Secret', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage();
    await stage.startOperator({ scale: 0.05 });
    await stage.apply(...connectionObjects(stage));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const examples: readonly (readonly [
    what: string,
    secret: object,
    expected: Readonly<Record<string, string>>,
  ])[] = [
    [
      'a URL, and no other key',
      {
        data: {
          DATABASE_URL: 'postgres://{{ DB_USERNAME | url_encode }}:{{ DB_PASSWORD | url_encode }}@db/orders',
        },
      },
      { DATABASE_URL: 'postgres://v-role%201:p%40ss%3Aw%2Frd%5C@db/orders' },
    ],
    [
      'a URL beside keys as they are',
      {
        data: { URL: 'jdbc:postgresql://db/orders?user={{ DB_USERNAME | url_encode }}' },
        include: ['DB_PASSWORD'],
      },
      { URL: 'jdbc:postgresql://db/orders?user=v-role%201', DB_PASSWORD: data.DB_PASSWORD },
    ],
    ['some keys alone', { include: ['DB_USERNAME'] }, { DB_USERNAME: data.DB_USERNAME }],
    [
      'a .pgpass file',
      {
        data: {
          '.pgpass': String.raw`db:5432:orders:{{ DB_USERNAME }}:{{ DB_PASSWORD | replace: "\\", "\\\\" | replace: ":", "\\:" }}`,
        },
      },
      { '.pgpass': String.raw`db:5432:orders:v-role 1:p@ss\:w/rd\\` },
    ],
    [
      'an AWS credentials file',
      {
        data: {
          credentials:
            '[default]\naws_access_key_id = {{ ACCESS_KEY }}\naws_secret_access_key = {{ SECRET_KEY }}\n',
        },
      },
      { credentials: '[default]\naws_access_key_id = AKIA\naws_secret_access_key = s+k/\n' },
    ],
    [
      'a basic-auth Secret',
      {
        type: 'kubernetes.io/basic-auth',
        data: { username: '{{ DB_USERNAME }}', password: '{{ DB_PASSWORD }}' },
      },
      { username: data.DB_USERNAME, password: data.DB_PASSWORD },
    ],
  ];

  for (const [index, [what, secret, expected]] of examples.entries()) {
    it(`can be ${what}`, async () => {
      const own = await ownLease(stage, `shape-${String(index)}`, { data });
      await own.apply({ secret });
      await stage.untilReady(own.name);
      expect(await stage.secret(own.name)).toEqual(expected);
      const type = await stage.kubectl('get', 'secret', own.name, '-o', 'jsonpath={.type}');
      expect(type).toBe('type' in secret ? secret.type : 'Opaque');
      expect(await own.events()).toEqual(['made']);
    });
  }

  it('can be the configuration of an image registry', async () => {
    const own = await ownLease(stage, 'registry', { data });
    const template =
      '{"auths":{"registry.example.com":{"username":{{ DB_USERNAME | json }},"password":{{ DB_PASSWORD | json }}}}}';
    await own.apply({
      secret: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': template } },
    });
    await stage.untilReady('registry');
    const made = JSON.parse((await stage.secret('registry'))?.['.dockerconfigjson'] ?? '') as unknown;
    const login = { username: data.DB_USERNAME, password: data.DB_PASSWORD };
    expect(made).toEqual({ auths: { 'registry.example.com': login } });
  });

  it('asks for a new lease when it changes, and for none when it is only written in another order', async () => {
    const own = await ownLease(stage, 'changing', { data });
    await own.apply({
      secret: { data: { A: '{{ DB_USERNAME }}', B: 'b' }, include: ['ACCESS_KEY', 'SECRET_KEY'] },
    });
    await stage.untilReady('changing');
    await own.apply({
      secret: { data: { B: 'b', A: '{{ DB_USERNAME }}' }, include: ['SECRET_KEY', 'ACCESS_KEY'] },
    });
    await stage.untilReady('changing');
    expect(await own.events()).toEqual(['made']);
    await own.apply({ secret: { data: { A: '{{ DB_PASSWORD }}' } } });
    const wanted = JSON.stringify({ A: data.DB_PASSWORD });
    await awaitCondition(async () => JSON.stringify(await stage.secret('changing')) === wanted, {
      what: 'the other shape',
    });
    expect(await own.events()).toEqual(['made', 'made']);
  });

  it('that no lease could fill costs none: the field is named, nothing of the template is', async () => {
    const own = await ownLease(stage, 'untaken', { data });
    await own.apply({ secret: { data: { URL: 'hunter2 {% for a in b %}{% endfor %}' } } });
    const told = await stage.untilLease(
      'untaken',
      (lease) => conditionOf(lease, 'Stalled')?.status === 'True',
    );
    expect(conditionOf(told, 'Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    expect(conditionOf(told, 'Ready')?.message).toContain('spec.secret.data.URL');
    expect(conditionOf(told, 'Ready')?.message).not.toContain('hunter2');
    expect(await own.events()).toEqual([]);
    await own.apply({ secret: { data: { URL: '{{ DB_USERNAME }}' } } });
    await stage.untilReady('untaken');
    expect(await own.events()).toEqual(['made']);
  });

  it('that names what the lease does not carry says so, with what it carries and no value', async () => {
    const own = await ownLease(stage, 'unnamed', { data });
    await own.apply({ secret: { data: { URL: '{{ DB_USRE }}' } } });
    const told = await stage.untilLease(
      'unnamed',
      (lease) => conditionOf(lease, 'Ready')?.reason === 'SecretInvalid',
    );
    const message = conditionOf(told, 'Ready')?.message ?? '';
    expect(message).toContain('spec.secret.data.URL names DB_USRE, which the lease does not carry');
    expect(message).toContain('ACCESS_KEY, DB_PASSWORD, DB_USERNAME, SECRET_KEY');
    for (const value of Object.values(data)) expect(message).not.toContain(value);
    await own.apply({ secret: { data: { URL: '{{ DB_USERNAME }}' } } });
    await stage.untilReady('unnamed');
    expect(await own.live()).toHaveLength(1);
  });
});
