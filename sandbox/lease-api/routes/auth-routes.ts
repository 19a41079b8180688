import { printed } from '../clock.ts';
import type { Identity } from '../identities.ts';
import type { Route } from '../route.ts';
import { parsed } from '../validation.ts';
import type { World } from '../world.ts';

/** Logins, tokens and the health of the server: the endpoints that need no token. */
export function authRoutes(world: World): readonly Route[] {
  const { requests, tokens, identities, ledger, clock } = world;
  return [
    {
      name: 'login',
      method: 'POST',
      url: '/api/v1/auth/universal-auth/login',
      rate: 'write',
      access: 'open',
      handle: (call) => {
        const { clientId, clientSecret } = parsed(requests.login, call.body);
        const identity = identities.logIn(clientId, clientSecret, world.lockout);
        ledger.record({ event: 'login', by: identity.id });
        return loginView(tokens.issue(identity).accessToken, identity);
      },
    },
    {
      name: 'token-renew',
      method: 'POST',
      url: '/api/v1/auth/token/renew',
      rate: 'write',
      access: 'open',
      handle: (call) => {
        const { accessToken, row } = tokens.renew(parsed(requests.token, call.body).accessToken);
        return loginView(accessToken, row.identity);
      },
    },
    {
      name: 'token-revoke',
      method: 'POST',
      url: '/api/v1/auth/token/revoke',
      rate: 'write',
      access: 'open',
      handle: (call) => {
        tokens.revoke(parsed(requests.token, call.body).accessToken);
        return { message: 'Successfully revoked access token' };
      },
    },
    {
      name: 'status',
      method: 'GET',
      url: '/api/status',
      rate: 'read',
      access: 'open',
      handle: () => ({
        date: printed(clock.now()),
        message: 'Ok',
        emailConfigured: false,
        inviteOnlySignup: false,
        redisConfigured: true,
        secretScanningConfigured: false,
      }),
    },
  ];
}

/** The configured lifetimes are repeated as they are: 0 means without end, and the token may live shorter. */
function loginView(accessToken: string, identity: Identity): Record<string, unknown> {
  return {
    accessToken,
    expiresIn: identity.accessTokenTTL,
    accessTokenMaxTTL: identity.accessTokenMaxTTL,
    tokenType: 'Bearer',
  };
}
