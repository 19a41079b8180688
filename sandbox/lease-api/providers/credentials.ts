import { randomInt } from 'node:crypto';

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const PASSWORD = `${ALPHANUMERIC}-_.~!*$#`;

/** 32 letters and digits. */
export function randomUsername(): string {
  return randomText(ALPHANUMERIC, 32);
}

/** 48 characters of `[A-Za-z0-9-_.~!*$#]`. */
export function randomPassword(): string {
  return randomText(PASSWORD, 48);
}

/** A name after a template, or a random one without. Unknown expressions were refused with the dynamic secret. */
export function usernameFrom(
  template: string | null,
  values: { readonly unixTimestamp: number; readonly identityName: string },
): string {
  if (template === null || template === '') return randomUsername();
  return template.replaceAll(/\{\{(.*?)\}\}/g, (_, expression: string) => {
    switch (expression.trim()) {
      case 'unixTimestamp':
        return String(values.unixTimestamp);
      case 'identity.name':
        return values.identityName;
      default:
        return randomUsername();
    }
  });
}

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
