import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import { startPostgres, type Postgres } from '../../../sandbox/postgres/start.ts';
import { leaseSpec } from '../../../src/api/dynamic-secret-lease.ts';
import { render } from '../../../src/secret/render.ts';
import { shapeOf } from '../../../src/secret/shape.ts';
import { mountedSecret, type MountedSecret } from './support/mounted-secret.ts';

const examples = path.join(import.meta.dirname, '..', '..', '..', 'deploy', 'examples', 'reload');

/** How often the application is asked while its credentials change. */
const QUESTIONS = 50;

/** The signs of a leased password, and some that mean something in a URL. */
const password = 'aB3-_.~!*$#@:/?%';

const container = z.object({
  env: z.array(
    z.object({
      name: z.string(),
      value: z.string().optional(),
      valueFrom: z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }).optional(),
    }),
  ),
  volumeMounts: z
    .array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().optional() }))
    .default([]),
});
const deployment = z.object({
  kind: z.literal('Deployment'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([container]),
        volumes: z
          .array(z.object({ name: z.string(), secret: z.object({ secretName: z.string() }) }))
          .default([]),
      }),
    }),
  }),
});
const lease = z.object({
  kind: z.literal('DynamicSecretLease'),
  metadata: z.object({ name: z.string() }),
  spec: leaseSpec,
});

/** The lease and the Deployment of a file. */
async function example(
  file: string,
): Promise<{ lease: z.infer<typeof lease>; deployment: z.infer<typeof deployment> }> {
  const [first, second] = parseAllDocuments(await readFile(path.join(examples, file), 'utf8'));
  return { lease: lease.parse(first?.toJS()), deployment: deployment.parse(second?.toJS()) };
}

describe('the example of a mounted Secret', () => {
  let postgres: Postgres;
  let administrator: Client;
  let folder: string;
  let secret: MountedSecret;
  const running = new AsyncDisposableStack();

  beforeAll(async () => {
    postgres = await startPostgres();
    const { user, password: own } = postgres.superuser;
    administrator = new Client({ connectionString: postgres.connectionString(user, own) });
    await administrator.connect();
    for (const role of ['first', 'second'])
      await administrator.query(`CREATE ROLE ${role} WITH LOGIN PASSWORD '${password}'`);
    folder = await mkdtemp(path.join(tmpdir(), 'leaseholder-reload-'));
  });
  afterAll(async () => {
    await running.disposeAsync();
    await administrator.end();
    await postgres.stop();
    await rm(folder, { recursive: true });
  });

  /** What the Secret of the example holds for a user, but for the address, which is that of the sandbox. */
  const dataFor = async (user: string): Promise<Record<string, string>> => {
    const { spec } = (await example('volume.yaml')).lease;
    const rendered = render('orders-db', shapeOf(spec.secret), { DB_USERNAME: user, DB_PASSWORD: password });
    const data = rendered.ok ? Object.fromEntries(rendered.data) : {};
    const url = new URL(data['DATABASE_URL'] ?? '');
    url.host = `${postgres.host}:${String(postgres.port)}`;
    url.pathname = '/postgres';
    url.search = '';
    return { ...data, DATABASE_URL: url.href };
  };
  /** Runs the program of the example. @returns what it answers, with its status. */
  const application = async (file: string): Promise<() => Promise<readonly [number, string]>> => {
    const env = { DATABASE_URL_FILE: file, PORT: '0', PATH: process.env['PATH'] };
    const child = spawn(process.execPath, [path.join(examples, 'orders.ts')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.defer(async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { port } = z.object({ port: z.number() }).parse(JSON.parse(line.toString()));
    return async () => {
      const answer = await fetch(`http://127.0.0.1:${String(port)}/`);
      return [answer.status, await answer.text()];
    };
  };

  it('goes on with the new credentials as soon as they are there; one that has the old file by subPath does not', async () => {
    await mkdir(path.join(folder, 'volume'));
    secret = mountedSecret(path.join(folder, 'volume'));
    await secret.write(await dataFor('first'));
    const mounted = await application(secret.file('DATABASE_URL'));
    const bound = await application(await secret.boundFile('DATABASE_URL'));
    expect([await mounted(), await bound()]).toEqual([
      [200, 'first'],
      [200, 'first'],
    ]);

    await secret.write(await dataFor('second'));
    expect([await mounted(), await bound()]).toEqual([
      [200, 'second'],
      [200, 'first'],
    ]);
    // The end of the first lease.
    await administrator.query('ALTER ROLE first WITH NOLOGIN');
    expect(await mounted()).toEqual([200, 'second']);
    expect(await bound()).toEqual([503, 'role "first" is not permitted to log in']);
    await administrator.query('ALTER ROLE first WITH LOGIN');
  });

  it('has whole credentials at every instant, however often they change', async () => {
    const mounted = await application(secret.file('DATABASE_URL'));
    const both = [await dataFor('first'), await dataFor('second')] as const;
    const answers: (readonly [number, string])[] = [];
    const asking = (async () => {
      while (answers.length < QUESTIONS) answers.push(await mounted());
    })();
    let changes = 0;
    for (; answers.length < QUESTIONS; changes += 1) await secret.write(both[changes % 2 === 0 ? 0 : 1]);
    await asking;
    expect(changes).toBeGreaterThan(QUESTIONS);
    expect(answers.filter(([status]) => status !== 200)).toEqual([]);
    expect(new Set(answers.map(([, user]) => user))).toEqual(new Set(['first', 'second']));
  });
});

describe('the examples of reload fit together', () => {
  it('volume.yaml: what the program reads is a file of the mounted Secret, and none by subPath', async () => {
    const { lease: own, deployment: app } = await example('volume.yaml');
    const { containers, volumes } = app.spec.template.spec;
    const [{ env, volumeMounts }] = containers;
    expect(volumes.map(({ secret }) => secret.secretName)).toEqual([own.metadata.name]);
    expect(volumeMounts).toEqual([{ name: volumes[0]?.name, mountPath: '/var/run/orders-db' }]);
    const [key] = Object.keys(own.spec.secret?.data ?? {});
    expect(env).toEqual([{ name: 'DATABASE_URL_FILE', value: `/var/run/orders-db/${String(key)}` }]);
    expect(own.spec.restart).toBeUndefined();
  });

  it('environment.yaml: the lease restarts the Deployment whose variables are of its Secret', async () => {
    const { lease: own, deployment: app } = await example('environment.yaml');
    expect(own.spec.restart).toEqual([{ kind: 'Deployment', name: app.metadata.name }]);
    const refs = app.spec.template.spec.containers[0].env.map(({ valueFrom }) => valueFrom?.secretKeyRef);
    const keys = Object.keys(own.spec.secret?.data ?? {});
    expect(refs).toEqual(keys.map((key) => ({ name: own.metadata.name, key })));
  });
});
