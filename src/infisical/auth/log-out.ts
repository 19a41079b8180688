import type { LoginContext } from './access-token.ts';

/**
 * Ends a token that a login made (contract section 1.10). The request goes without a header: servers look at one even
 * there.
 *
 * @returns whether the server has ended it. Never rejects.
 */
export async function logOut(
  { transport, clock, timing }: Pick<LoginContext, 'transport' | 'clock' | 'timing'>,
  token: string,
): Promise<boolean> {
  const outcome = await transport.request({
    method: 'POST',
    path: '/v1/auth/token/revoke',
    body: { accessToken: token },
    deadline: clock.elapsed() + timing.apiRequestDeadline,
    route: 'login',
  });
  return outcome.kind === 'answered' && outcome.status < 300;
}
