import type { FilterImplOptions } from 'liquidjs';

import { spendOn, type Spend } from './template-account.ts';

/** A filter that gives a text. */
type TextFilter = (text: string, ...args: readonly string[]) => string;

/**
 * A value as text: what Liquid prints, but for lists and objects, which become their JSON. That is paid for each time:
 * it is made each time.
 */
export function textOf(value: unknown, spend: Spend): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? '' : jsonOf(value, spend);
    default:
      return '';
  }
}

function jsonOf(value: unknown, spend: Spend): string {
  spendOn(value);
  const text = JSON.stringify(value ?? null);
  spend(text.length);
  return text;
}

/** As RFC 3986 has it: all but letters, digits and `-._~`; a space is `%20`. (Liquid's own filter writes `+`.) */
function urlEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** How long the result will be is known, and paid for, before it is made: a few letters can stand for many. */
function replace(spend: Spend): TextFilter {
  return (text, from = '', to = '') => {
    const parts = from === '' ? [text] : text.split(from);
    spend(text.length + (parts.length - 1) * to.length);
    return parts.join(to);
  };
}

/**
 * The filters of templates: these and no others. Each pays for what it makes.
 *
 * | Filter | Gives |
 * | --- | --- |
 * | `base64_encode` | base64 of the text's UTF-8 |
 * | `default: other` | the other where the value is missing, empty or false |
 * | `downcase`, `upcase` | letters in one case |
 * | `json` | the value as JSON, a text in quotes |
 * | `replace: from, to` | the text, each `from` replaced |
 * | `url_encode` | percent-encoded by RFC 3986 |
 */
export function templateFilters(spend: Spend): Readonly<Record<string, FilterImplOptions>> {
  const ofText =
    (filter: TextFilter): FilterImplOptions =>
    (value: unknown, ...args: readonly unknown[]) => {
      const result = filter(textOf(value, spend), ...args.map((arg) => textOf(arg, spend)));
      spend(result.length);
      return result;
    };
  return {
    base64_encode: ofText((text) => Buffer.from(text).toString('base64')),
    default: (value: unknown, other: unknown) => (isNothing(value) ? other : value),
    downcase: ofText((text) => text.toLowerCase()),
    json: (value: unknown) => jsonOf(value, spend),
    replace: ofText(replace(spend)),
    upcase: ofText((text) => text.toUpperCase()),
    url_encode: ofText((text) => urlEncode(text.toWellFormed())),
  };
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === '';
}
