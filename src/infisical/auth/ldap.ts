import type { LoginMethod } from './access-token.ts';
import { logIn } from './log-in.ts';

export interface LdapOptions {
  readonly identityId: string;
  /** Reads one credential, anew each time. @throws FaultError when it cannot. */
  readonly credential: (name: 'username' | 'password') => Promise<string>;
  readonly organizationSlug?: string | undefined;
}

/** LDAP Auth: a user's name and password, which the server checks by a bind at its directory. */
export function ldapLogin({ identityId, credential, organizationSlug }: LdapOptions): LoginMethod {
  return async (context) => {
    // One after the other: where both are missing, the fault always names the same one.
    const username = (await credential('username')).trim();
    const password = withoutLineEnd(await credential('password'));
    return logIn(context, { method: 'ldap', body: { identityId, username, password, organizationSlug } });
  };
}

/** What an editor leaves at the end of a file is no part of a password; a space may be one. */
function withoutLineEnd(text: string): string {
  return text.replace(/[\r\n]+$/, '');
}
