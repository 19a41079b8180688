import { expect } from 'vitest';
import type { Control } from '../../../sandbox/lease-api/control.ts';
import type { TokenLoginMethod } from '../../../sandbox/lease-api/logins/settings.ts';
import type { Profile } from '../../../sandbox/lease-api/refusal.ts';
import { type Answer, type Body, Fixture, tokenIn } from './fixture.ts';

export type IdentitySeed = Parameters<Control['seedIdentity']>[0];
/** What a login is answered with: 200, or status, `error` and message. */
export type Outcome = 200 | readonly [status: number, error: string, message: unknown];

/** The same refusal of both profiles: 401 or 403 on a current server; one of 2024 has no handler and answers 500. */
export interface Expected {
  readonly current: Outcome;
  readonly '2024': Outcome;
}

/** A server, and an identity that may do everything once it is in. */
export class LoginFixture implements AsyncDisposable {
  readonly server: Fixture;
  readonly #method: TokenLoginMethod;
  readonly #identityId: string;

  private constructor(server: Fixture, method: TokenLoginMethod, identityId: string) {
    this.server = server;
    this.#method = method;
    this.#identityId = identityId;
  }

  static async start(method: TokenLoginMethod, seed: IdentitySeed, profile: Profile): Promise<LoginFixture> {
    const server = await Fixture.start({ profile });
    const grants = [{ projectSlug: 'shop' }];
    const { identityId } = await server.api.seedIdentity({ grants, ...seed });
    return new LoginFixture(server, method, identityId);
  }

  get identityId(): string {
    return this.#identityId;
  }

  async answer(jwt: string, body: Body = {}): Promise<Answer> {
    const request = { identityId: this.#identityId, jwt, ...body };
    return this.server.anonymous('POST', `/api/v1/auth/${this.#method}-auth/login`, request);
  }

  /** A login whose answer has to have the documented shape. After one that succeeds, the server's token is its own. */
  async logIn(jwt: string, body: Body = {}): Promise<Outcome> {
    const answer = await this.answer(jwt, body);
    if (answer.status !== 200) {
      const { status, error, message } = this.server.refusal(answer);
      return [status, error, message];
    }
    this.server.verify(answer, 'login');
    this.server.accessToken = tokenIn(answer);
    return 200;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** A refusal of a genuine token: a current server says 401, one of 2024 has no handler for it. */
export function denial(message: string): Expected {
  return { current: [401, 'UnauthorizedError', message], '2024': [500, 'Internal Server Error', message] };
}

/** A refusal that is a 403 on a current server. */
export function forbidding(message: string): Expected {
  return { current: [403, 'ForbiddenError', message], '2024': [500, 'Internal Server Error', message] };
}

/** A token that is not what it says to be, in the words of the server's library. */
export function forgery(fault: string): Expected {
  return {
    current: [401, 'UnauthorizedError', `Access denied: ${fault}`],
    '2024': [500, 'Internal Server Error', fault],
  };
}

/** A message of which only a part is fixed. */
export function containing(text: string): unknown {
  return expect.stringContaining(text);
}
