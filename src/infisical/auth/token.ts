import { type LoginMethod, readClaims } from './access-token.ts';

export interface TokenOptions {
  /** Reads the token, anew each time. @throws FaultError when it cannot. */
  readonly credential: (name: 'token') => Promise<string>;
}

/** A token near its end is read again no more often than this, in milliseconds. */
const SHORTEST_LIFE = 60_000;

/**
 * Token Auth: a token that somebody else made is used as it is. There is no login; a refused token leads to reading
 * it once more, in case it was replaced. Where it is a JWT with an end, it is read again before that.
 */
export function tokenLogin({ credential }: TokenOptions): LoginMethod {
  return async ({ now }) => {
    const value = (await credential('token')).trim();
    return { value, life: remaining(readClaims(value).exp, now()) };
  };
}

/** Without the server's time nothing is known of what is left: the server will say so. */
function remaining(exp: number | undefined, now: number | undefined): number | undefined {
  return exp === undefined || now === undefined ? undefined : Math.max(exp * 1000 - now, SHORTEST_LIFE);
}
