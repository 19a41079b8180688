import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { parseDuration } from '../api/duration.ts';
import { LONGEST_SHARD } from '../api/shard.ts';

/** A schema that reads a text, or refuses it where `read` gives undefined. */
export function reads<Value>(
  read: (text: string) => Value | undefined,
): z.ZodPipe<z.ZodString, z.ZodTransform<Value, string>> {
  return z.string().transform((text, context) => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom' });
    return z.NEVER;
  });
}

export function wholeNumber(least: number, most: number): ReturnType<typeof reads<number>> {
  return reads((text) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : -1;
    return value >= least && value <= most ? value : undefined;
  });
}

export function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}

export function identifier(text: string): string | undefined {
  return /^[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/.test(text) ? text : undefined;
}

export function namespaceName(text: string): string | undefined {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text) ? text : undefined;
}

/** A label's value that is a part of other names, too. */
export function shardName(text: string): string | undefined {
  return text.length <= LONGEST_SHARD ? namespaceName(text) : undefined;
}

/** A name of an object: labels with dots between them. */
export function objectName(text: string): string | undefined {
  const labels = text.split('.').every((label) => namespaceName(label) !== undefined);
  return labels && text.length <= 253 ? text : undefined;
}

export function namespaceList(text: string): readonly string[] | undefined {
  const names = text.split(',');
  const valid = names.every((name) => namespaceName(name) !== undefined);
  return valid ? Object.freeze([...new Set(names)]) : undefined;
}

/** Where to listen. An IPv6 address stands without its brackets. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export function listenAddress(text: string): ListenAddress | 'off' | undefined {
  if (text === 'off') return text;
  const [, address, name, digits] = /^(?:\[([^\]]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = address !== undefined && isIPv6(address) ? address : name;
  const port = Number(digits);
  return host !== undefined && port <= 65_535 ? Object.freeze({ host, port }) : undefined;
}

export function drainTime(text: string): number | undefined {
  const milliseconds = parseDuration(text);
  return milliseconds !== undefined && milliseconds <= 3_600_000 ? milliseconds : undefined;
}
