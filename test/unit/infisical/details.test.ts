import { describe, expect, test } from 'vitest';

import { shownDetails } from '../../../src/infisical/details.ts';

describe('what a server says of a failed revocation is told', () => {
  const cases: Record<string, [said: string, shown: string]> = {
    'whole, where it is plain': ['role is in use', 'role is in use'],
    'without the names in quotes': [
      'role "tBo2pXw" cannot be dropped because some objects depend on it',
      'role … cannot be dropped because some objects depend on it',
    ],
    'with what the server adds': ['no - Retrying automatically', 'no - Retrying automatically'],
    'with an address': ['connect ECONNREFUSED 10.0.0.7:5432', 'connect ECONNREFUSED 10.0.0.7:5432'],
    'without a host name, which nothing tells from a password': [
      'getaddrinfo ENOTFOUND db.internal.example.com',
      'getaddrinfo ENOTFOUND …',
    ],
    'of a login that failed': [
      'password authentication failed for user "admin"',
      'password authentication failed for user …',
    ],
    'with the apostrophes of prose': ["the server doesn't answer", 'the server doesn’t answer'],
  };

  test.each(Object.entries(cases))('%s', (_sentence, [said, shown]) => {
    expect(shownDetails(said)).toBe(shown);
  });
});

describe('a password in what a driver says is not told', () => {
  const texts: Record<string, (password: string) => string> = {
    'in a statement': (p) => `ALTER ROLE "a" WITH PASSWORD '${p}' - permission denied`,
    'in a statement that is cut off': (p) => `ALTER ROLE "a" WITH LOGIN PASSWORD '${p}`,
    'in a statement with other strings': (p) => `SELECT 'a', '${p}', 'b' FROM c`,
    'in a string with a doubled quote': (p) => `ALTER ROLE a PASSWORD 'x''${p}' VALID UNTIL 'y'`,
    'in a string with an escaped quote': (p) => `ALTER ROLE a PASSWORD E'x\\'${p}' VALID UNTIL 'y'`,
    'in a string that ends with a backslash': (p) => `f('a\\', '${p}')`,
    'in double quotes': (p) => `CREATE USER a IDENTIFIED BY "${p}" - ORA-00972`,
    'in backticks': (p) => 'access denied with `' + p + '`',
    'in dollar quotes': (p) => `DO $$ ${p} $$ failed`,
    'in dollar quotes with a tag': (p) => `DO $body$ ${p} $body$ failed`,
    'in the address of the database': (p) => `postgresql://admin:${p}@db:5432/app: connection refused`,
    'in the parameters of a connection': (p) => `host=db password=${p} user=admin: no route to host`,
    'as a parameter with spaces': (p) => `password = ${p}; user = admin`,
    'behind a colon': (p) => `FATAL: Password: ${p} is wrong`,
    'in prose behind the word': (p) => `the password ${p} was not taken`,
    'in prose behind an apostrophe': (p) => `the server doesn't take '${p}' as it isn't long enough`,
    'over two lines': (p) => `ALTER ROLE a PASSWORD\n'${p}'`,
    'in parentheses': (p) => `login failed (admin/password: ${p})`,
  };
  const passwords = ['hunter', 'C4n4ry-Passw0rd', 'a b', '$ecret!', '123456789012', 'Pass.Word'];
  const table = Object.keys(texts).flatMap((text) =>
    // One of two words cannot be told from prose where nothing encloses it.
    passwords
      .filter((password) => password !== 'a b' || /string|statement|quotes|backticks|lines/.test(text))
      .map((password) => [text, password] as const),
  );

  test.each(table)('%s: %s', (text, password) => {
    const said = texts[text]?.(password) ?? password;
    expect(said).toContain(password);
    expect(shownDetails(said)).not.toContain(password);
  });

  test.each(passwords.filter((password) => !/^[a-z ]+$/.test(password)))('bare: %s', (password) => {
    expect(shownDetails(`FATAL: sorry, ${password} is not known`)).toBe('FATAL: sorry, … is not known');
  });
});
