/**
 * What a server says of a failed revocation, made fit to be shown.
 *
 * It holds the driver's own words, and they can hold anything: the statement that failed with a password in it, the
 * address that was connected to with the provider's own credentials. So only what cannot well be a credential is left
 * in: what stands in quotes goes, what follows a word such as "password", and every word that is no plain one, no
 * small number and no IP address.
 */
export function shownDetails(text: string): string {
  const words = unquoted(text).replaceAll(afterKeyword, '$1$2…').split(/\s+/);
  return words
    .map((word) => (isHarmless(word) ? word : '…'))
    .filter((word, index, all) => !(word === '…' && all[index - 1] === '…'))
    .join(' ')
    .trim();
}

/** Of strings, identifiers and dollar quotes in SQL, also one that is cut off. */
const quoted = /(['"`]).*?(?:\1|$)|\$(\w*)\$.*?(?:\$\2\$|$)/gs;

/** An apostrophe of prose, which must not pass for the beginning of a string. */
const apostrophe = /(?<=\wn)'(?=t\b)/g;

function unquoted(text: string): string {
  const prose = text.replaceAll(apostrophe, '’');
  // With a backslash nobody can tell where a string ends.
  const readable = prose.includes('\\') ? prose.replace(/['"`$\\].*/s, '…') : prose;
  return readable.replaceAll(quoted, ' … ');
}

const afterKeyword =
  /\b(password|passwd|passphrase|pwd|secret|token|identified\s+(?:by|with))(\s*[:=]\s*|\s+(?:is|was|to)\s+|\s+)(?!authentication\b)[^\s…]+/gi;

const plainWord = /^(?:[A-Za-z]?[a-z]{1,31}|[A-Za-z]|[A-Z]{2,31}|[a-z]+n’t|[a-z]+(?:[-/][a-z]+)+)$/;
const number = /^\d{1,5}$/;
const address = /^\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?$/;

function isHarmless(word: string): boolean {
  const bare = word.replace(/^[([]/, '').replace(/[)\].,;:!?]{1,2}$/, '');
  return bare === '' || bare === '-' || [plainWord, number, address].some((form) => form.test(bare));
}
