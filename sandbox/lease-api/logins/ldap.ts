import { Refusal } from '../refusal.ts';
import { permits } from './bounds.ts';
import type { LdapSettings } from './settings.ts';

export interface LdapLogin {
  readonly username: string;
  readonly password: string;
}

/**
 * Checks a login with a user's name and password, then what the identity wants of the user's attributes.
 *
 * @throws Refusal of kind `unauthorized`, which does not say whether the user or the password is wrong
 */
export async function checkLdap(
  { users, allowedFields }: LdapSettings,
  { username, password }: LdapLogin,
): Promise<void> {
  const user = Object.hasOwn(users, username) ? users[username] : undefined;
  // An empty password would be an anonymous bind, which succeeds at many directories.
  if (user === undefined || password === '' || user.password !== password)
    throw new Refusal('unauthorized', 'Invalid credentials');
  const missing = allowedFields.find(({ key, value }) => !permits(value, user.attributes[key], 'exact'));
  if (missing !== undefined) throw new Refusal('unauthorized', 'Access denied: LDAP user not allowed.');
}
