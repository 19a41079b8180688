import { misfit, verdictOn } from '../faults.ts';
import { RequestError } from '../request-error.ts';
import { mendableLogin, retrying } from '../retry.ts';
import { loginAnswer } from '../schemas.ts';
import { type AccessToken, lifeOf, type LoginContext, type LoginMethod } from './access-token.ts';

export interface UniversalOptions {
  /** Reads one credential, anew each time. @throws FaultError when it cannot. */
  readonly credential: (name: 'clientId' | 'clientSecret') => Promise<string>;
}

/** Universal Auth: a client id and secret for a token. */
export function universalLogin({ credential }: UniversalOptions): LoginMethod {
  return async (context) => {
    // One after the other: where both are missing, the fault always names the same one.
    const clientId = await credential('clientId');
    const clientSecret = await credential('clientSecret');
    const body = { clientId: clientId.trim(), clientSecret: clientSecret.trim() };
    const deadline = context.clock.elapsed() + context.timing.apiRequestDeadline;
    return retrying({ ...context, deadline, mendable: mendableLogin }, () =>
      exchange(context, body, deadline),
    );
  };
}

async function exchange(context: LoginContext, body: unknown, deadline: number): Promise<AccessToken> {
  const { transport } = context;
  const asked = { kind: 'login', host: transport.host } as const;
  const path = '/v1/auth/universal-auth/login';
  const outcome = await transport.request({ method: 'POST', path, body, deadline, route: 'login' });
  if (outcome.kind !== 'answered' || outcome.status >= 300) throw new RequestError(verdictOn(asked, outcome));
  const answer = loginAnswer.safeParse(outcome.body).data;
  if (answer === undefined) throw new RequestError(misfit(asked, outcome.status));
  return { value: answer.accessToken, life: lifeOf(answer.accessToken, answer.expiresIn) };
}
