import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ACTIONS, type Action } from '../../../sandbox/lease-api/identities.ts';
import { type LeaseApi, startLeaseApi } from '../../../sandbox/lease-api/lease-api.ts';
import type { LeaseApiOptions } from '../../../sandbox/lease-api/options.ts';
import type { Method } from '../../../sandbox/lease-api/route.ts';
import { type AnswerName, responseSchemas } from '../../../sandbox/lease-api/responses.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const shownLease = z.object({
  id: z.string(),
  externalEntityId: z.string(),
  expireAt: z.string(),
  createdAt: z.string(),
  status: z.string().nullable(),
  statusDetails: z.string().nullable(),
  config: z.unknown().optional(),
});
const leaseAnswer = z.object({ lease: shownLease });
const listAnswer = z.object({ leases: z.array(shownLease) });
export const errorBody = z.object({ message: z.unknown(), error: z.string() });
const loginAnswer = z.object({ accessToken: z.string() });

export const PLACE = { projectSlug: 'shop', environmentSlug: 'prod', path: '/db' };
export const QUERY = '?projectSlug=shop&environmentSlug=prod&path=/db';
export const LEASES = '/api/v1/dynamic-secrets/leases';
export const SECRETS = '/api/v1/dynamic-secrets';
export const LOGIN = '/api/v1/auth/universal-auth/login';
export const MINUTE = 60_000;
/** For conditions that are awaited: soon on an idle machine, and not in vain on a busy one. */
export const PATIENCE = { timeout: 20_000, interval: 10 };

export type Body = Readonly<Record<string, unknown>>;

/** A server with the project `shop`, the dynamic secret `orders` in `/db`, and an identity that may do everything. */
export class Fixture implements AsyncDisposable {
  readonly api: LeaseApi;
  readonly identity: { identityId: string; clientId: string; clientSecret: string };
  readonly secretId: string;
  readonly #profile: 'current' | '2024';
  accessToken: string;

  private constructor(
    api: LeaseApi,
    profile: 'current' | '2024',
    seeded: { identity: Fixture['identity']; secretId: string; accessToken: string },
  ) {
    this.api = api;
    this.#profile = profile;
    this.identity = seeded.identity;
    this.secretId = seeded.secretId;
    this.accessToken = seeded.accessToken;
  }

  static async start(options: LeaseApiOptions = {}, actions: readonly Action[] = ACTIONS): Promise<Fixture> {
    const api = await startLeaseApi(options);
    await api.seedProject({ slug: 'shop', environments: [{ slug: 'prod', folders: ['/db', '/other'] }] });
    const { dynamicSecretId } = await api.seedDynamicSecret({ ...PLACE, name: 'orders', maxTTL: '24h' });
    const grants = [{ projectSlug: 'shop', actions: [...actions] }];
    const identity = await api.seedIdentity({ name: 'robot', grants });
    const { accessToken } = await api.mintToken({ identityId: identity.identityId });
    return new Fixture(api, options.profile ?? 'current', {
      identity,
      secretId: dynamicSecretId,
      accessToken,
    });
  }

  /** Sends a request with the fixture's token. Without `body` none is sent. */
  async call(
    method: Method,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.api.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.accessToken}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  }

  /** The same without a token. */
  async anonymous(
    method: Method,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.api.url + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  async logIn(clientSecret = this.identity.clientSecret): Promise<Answer> {
    return this.anonymous('POST', LOGIN, { clientId: this.identity.clientId, clientSecret });
  }

  async create(body: Body = {}): Promise<Answer> {
    return this.call('POST', LEASES, { dynamicSecretName: 'orders', ...PLACE, ...body });
  }

  /** A lease that has to be made. */
  async lease(body: Body = {}): Promise<z.infer<typeof shownLease>> {
    return this.shown(await this.create(body), 'createLease');
  }

  async get(id: string): Promise<Answer> {
    return this.call('GET', `${LEASES}/${id}${QUERY}`);
  }

  async renew(id: string, body: Body = {}): Promise<Answer> {
    return this.call('POST', `${LEASES}/${id}/renew`, { ...PLACE, ...body });
  }

  async remove(id: string, body: Body = {}): Promise<Answer> {
    return this.call('DELETE', `${LEASES}/${id}`, { ...PLACE, ...body });
  }

  async list(): Promise<readonly z.infer<typeof shownLease>[]> {
    const answer = await this.call('GET', `${SECRETS}/orders/leases${QUERY}`);
    this.verify(answer, 'listLeases');
    return listAnswer.parse(answer.body).leases;
  }

  /** The lease in an answer, which has to be a 200 of exactly the documented shape. */
  shown(answer: Answer, name: AnswerName): z.infer<typeof shownLease> {
    this.verify(answer, name);
    return leaseAnswer.parse(answer.body).lease;
  }

  /** Holds a 200 to the strict schema of the profile. */
  verify(answer: Answer, name: AnswerName): void {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    responseSchemas[this.#profile][name].parse(answer.body);
  }

  /** Status, `error` and `message` of a refusal, which has to have exactly the documented shape. */
  refusal(answer: Answer): { status: number; error: string; message: unknown } {
    responseSchemas[this.#profile].error.parse(answer.body);
    const { error, message } = errorBody.parse(answer.body);
    return { status: answer.status, error, message };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.stop();
  }
}

export function tokenIn(answer: Answer): string {
  return loginAnswer.parse(answer.body).accessToken;
}

/** How long a lease lasts, in milliseconds to the second: its row is made a moment after its end is set. */
export function life(lease: { createdAt: string; expireAt: string }): number {
  return Math.round((Date.parse(lease.expireAt) - Date.parse(lease.createdAt)) / 1000) * 1000;
}

export const unknownId = randomUUID();
