import { printed } from '../clock.ts';
import type { Route } from '../route.ts';
import { parsed } from '../validation.ts';
import { loginView } from '../views.ts';
import type { World } from '../world.ts';

/** What holds of tokens, and the health of the server: endpoints that need no token, beside the logins. */
export function authRoutes(world: World): readonly Route[] {
  const { requests, tokens, clock } = world;
  return [
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
