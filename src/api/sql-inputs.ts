import { z } from 'zod';

import { boundedText, ruledText, type CelRule } from './rule.ts';

/** The type of provider whose inputs are typed here. */
export const SQL_TYPE = 'sql-database';

/** What a sql-database is spoken to with. */
export const sqlClients = ['postgres', 'mysql2', 'oracledb', 'mssql'] as const;

/** The inputs without which a sql-database cannot be made, but for its password. */
export const requiredSqlInputs = [
  'client',
  'host',
  'port',
  'database',
  'username',
  'creationStatement',
  'revocationStatement',
] as const;

/** Its credential. */
export const SQL_PASSWORD = 'password';

function wholeNumber(field: string, least: number, most: number): z.ZodType<number, number> {
  const must = `must be a whole number from ${String(least)} to ${String(most)}`;
  const rule: CelRule = {
    rule: `self >= ${String(least)} && self <= ${String(most)}`,
    message: `${field} ${must}`,
  };
  return z
    .int()
    .refine((value) => value >= least && value <= most, { error: must })
    .meta({ 'x-kubernetes-validations': [rule] });
}

const MOST_PASSWORD = 250;

const required = z
  .object({
    lowercase: wholeNumber('lowercase', 0, MOST_PASSWORD).describe('How many lower-case letters at least.'),
    uppercase: wholeNumber('uppercase', 0, MOST_PASSWORD).describe('How many upper-case letters at least.'),
    digits: wholeNumber('digits', 0, MOST_PASSWORD).describe('How many digits at least.'),
    symbols: wholeNumber('symbols', 0, MOST_PASSWORD).describe('How many symbols at least.'),
  })
  .describe('What a password must have.');

const fits = 'must be at least as many characters as passwordRequirements.required asks for together';

const passwordRequirements = z
  .object({
    length: wholeNumber('length', 1, MOST_PASSWORD).describe('How long a password is.'),
    required,
    allowedSymbols: boundedText(128).optional().describe('The symbols that a password may have.'),
  })
  .refine(
    ({ length, required: least }) => Object.values(least).reduce((sum, one) => sum + one, 0) <= length,
    { error: fits, path: ['length'] },
  )
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.required.lowercase + self.required.uppercase + self.required.digits + self.required.symbols <= self.length',
        message: `length ${fits}`,
        fieldPath: '.length',
      },
    ],
  })
  .describe('What the passwords of leases are like. Without it, the server decides.');

/** A name or address: something, and no spaces around it, which the server would take away. */
const name = (field: string): z.ZodString =>
  ruledText({
    field,
    must: 'must not be empty, nor begin or end with a space',
    most: 1024,
    cel: "self.size() >= 1 && !self.startsWith(' ') && !self.endsWith(' ')",
    holds: (text) => text.length > 0 && !text.startsWith(' ') && !text.endsWith(' '),
  });

const statements = (): z.ZodString => boundedText(65_536);

const PLACEHOLDERS =
  '{{username}}, {{password}}, {{expiration}} and {{database}} are filled in. Statements are parted at each semicolon, also at one in a text.';

/** The inputs of a sql-database. Other types that have them take them alike. */
export const sqlInputs = {
  client: name('client')
    .optional()
    .describe(`What the database is: ${sqlClients.join(', ')}. Required for ${SQL_TYPE}.`),
  host: name('host')
    .optional()
    .describe(`Host name or address of the database, as the server reaches it. Required for ${SQL_TYPE}.`),
  port: wholeNumber('port', 1, 65_535).optional().describe(`Its port. Required for ${SQL_TYPE}.`),
  database: name('database').optional().describe(`Name of the database. Required for ${SQL_TYPE}.`),
  username: name('username')
    .optional()
    .describe(
      `Who makes and drops the users; the password is named in inputsFrom. Required for ${SQL_TYPE}.`,
    ),
  creationStatement: statements()
    .optional()
    .describe(`What makes the user of a lease. ${PLACEHOLDERS} Required for ${SQL_TYPE}.`),
  revocationStatement: statements().optional().describe(`What takes it away. Required for ${SQL_TYPE}.`),
  renewStatement: statements()
    .optional()
    .describe(
      'What lengthens its life when a lease is renewed. Without it, a renewed lease ends at the database when it would have ended anyway.',
    ),
  ca: boundedText(65_536)
    .optional()
    .describe('Certificates in PEM that the database is verified with, instead of the usual ones.'),
  sslEnabled: z.boolean().optional().describe('Whether TLS is used. Only newer servers know it.'),
  gatewayId: name('gatewayId')
    .optional()
    .describe("Id of the server's gateway that leads to the database. Only newer servers know it."),
  passwordRequirements: passwordRequirements.optional(),
};
