import type { LoginMethod } from './access-token.ts';
import { logIn } from './log-in.ts';

export interface UniversalOptions {
  /** Reads one credential, anew each time. @throws FaultError when it cannot. */
  readonly credential: (name: 'clientId' | 'clientSecret') => Promise<string>;
  readonly organizationSlug?: string | undefined;
}

/** Universal Auth: a client id and secret for a token. */
export function universalLogin({ credential, organizationSlug }: UniversalOptions): LoginMethod {
  return async (context) => {
    // One after the other: where both are missing, the fault always names the same one.
    const clientId = await credential('clientId');
    const clientSecret = await credential('clientSecret');
    const body = { clientId: clientId.trim(), clientSecret: clientSecret.trim(), organizationSlug };
    return logIn(context, { method: 'universal', body });
  };
}
