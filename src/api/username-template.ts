import { patternedText } from './rule.ts';

// A quote ends a text of CEL, so it is written by its number.
const QUOTE = '\\x27';

/** What stands for itself. */
const LITERAL = `[A-Za-z0-9_.|${QUOTE}\\[\\]-]`;

/** What is filled in: one of the names, or what one of the server's functions makes of it. */
const NAMES = 'randomUsername|unixTimestamp|identity[.]name|dynamicSecret[.]name|dynamicSecret[.]type';
const CALL = `(random|truncate|replace|uppercase|lowercase)( [A-Za-z0-9_.|${QUOTE}\\[\\]-]+)+`;
const EXPRESSION = `\\{\\{ *(${NAMES}|${CALL}) *\\}\\}`;

const PART = `(${LITERAL}|${EXPRESSION})`;

/** Names of users, by the rules of the server (contract section 1.6): it trims spaces, and counts 255 characters. */
export const usernameTemplate = patternedText(`^${PART}( *${PART})*$`, {
  field: 'usernameTemplate',
  must: "must be letters, digits, spaces and _ - . ' | [ ], not beginning or ending with a space, and expressions such as {{randomUsername}}, {{unixTimestamp}} or {{identity.name}}",
  most: 255,
});
