import { misfit, verdictOn } from '../faults.ts';
import { RequestError } from '../request-error.ts';
import { mendableLogin, retrying } from '../retry.ts';
import { loginAnswer } from '../schemas.ts';
import { type AccessToken, lifeOf, type LoginContext, type LoginKind } from './access-token.ts';

/** One login: by which method, and what is shown. */
export interface Login {
  readonly method: LoginKind;
  /** Goes as JSON; what is undefined does not. */
  readonly body: Readonly<Record<string, string | undefined>>;
}

/**
 * Exchanges what proves an identity for an access token (contract section 1.10). It is tried again only while it surely
 * did not reach the server.
 *
 * @throws FaultError LoginRefused when the server refuses it.
 */
export async function logIn(context: LoginContext, login: Login): Promise<AccessToken> {
  const deadline = context.clock.elapsed() + context.timing.apiRequestDeadline;
  return retrying({ ...context, deadline, mendable: mendableLogin }, () =>
    exchange(context, login, deadline),
  );
}

async function exchange(
  { transport }: LoginContext,
  { method, body }: Login,
  deadline: number,
): Promise<AccessToken> {
  const asked = { kind: 'login', host: transport.host, method } as const;
  const path = `/v1/auth/${method}-auth/login`;
  const outcome = await transport.request({ method: 'POST', path, body, deadline, route: 'login' });
  if (outcome.kind !== 'answered' || outcome.status >= 300) throw new RequestError(verdictOn(asked, outcome));
  const answer = loginAnswer.safeParse(outcome.body).data;
  if (answer === undefined) throw new RequestError(misfit(asked, outcome.status));
  return { value: answer.accessToken, life: lifeOf(answer.accessToken, answer.expiresIn) };
}
