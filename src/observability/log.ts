import { pino } from 'pino';
import type { DestinationStream, LoggerOptions } from 'pino';
import type { Log, LogFields } from '../telemetry.ts';

/** From the most to the least talkative. `trace` prints what `debug` prints: no part of leaseholder is finer. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

/** The longest string that a line prints, in UTF-16 units; what is over is cut off and marked with "…". */
export const LONGEST_VALUE = 1024;

/**
 * Names under which values are hidden, whoever logs them. A name of a Kubernetes Secret is therefore logged as
 * `secretName`, never as `secret`.
 */
export const hiddenNames = [
  'accessToken',
  'authorization',
  'body',
  'clientSecret',
  'credentials',
  'data',
  'headers',
  'password',
  'privateKey',
  'refreshToken',
  'secret',
  'token',
] as const;

const HIDDEN: ReadonlySet<string> = new Set(hiddenNames);

/**
 * The options of pino.
 *
 * The redaction is a second line: what is printed was reduced to primitives before (see {@link createLog}), so that
 * it goes into objects only where that first line is broken. (pino's own `redact` looks along each path of each name in every
 * line, at a twentieth of the operator's processor time.)
 */
export function pinoOptions(level: LogLevel): LoggerOptions {
  return {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: (fields) => redacted(fields) },
  };
}

/** How deep an object may be and still be printed: what is below is hidden, circles among it. */
const DEEPEST = 8;

/** A copy without what stands under a hidden name. */
function redacted(fields: Readonly<Record<string, unknown>>, depth = 0): Record<string, unknown> {
  const shown = Object.entries(fields).map(([name, value]) => {
    return [name, HIDDEN.has(name) ? '[hidden]' : redactedValue(value, depth)] as const;
  });
  return Object.fromEntries(shown);
}

function redactedValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return '[hidden]';
  if (Array.isArray(value)) return value.map((one: unknown) => redactedValue(one, depth + 1));
  return redacted({ ...value }, depth + 1);
}

/**
 * The operator's log: one JSON object a line, with `level`, `time` (UTC), the fields, and `msg`.
 *
 * Nothing but strings, numbers and booleans is printed, whatever a caller hands over: of an error its name, of any
 * other object, array or function nothing at all. Strings are cut at {@link LONGEST_VALUE}.
 *
 * @param destination where lines go.
 */
export function createLog(level: LogLevel, destination: DestinationStream): Log {
  const logger = pino(pinoOptions(level), destination);
  return withFields({});

  function withFields(bound: LogFields): Log {
    const print = (
      at: 'debug' | 'info' | 'warn' | 'error',
      message: string,
      fields: LogFields = {},
    ): void => {
      // Most debug lines are never printed: they should cost nothing.
      if (logger.isLevelEnabled(at)) logger[at](printable({ ...bound, ...fields }), sentence(message));
    };
    return {
      debug: (message, fields) => print('debug', message, fields),
      info: (message, fields) => print('info', message, fields),
      warn: (message, fields) => print('warn', message, fields),
      error: (message, fields) => print('error', message, fields),
      with: (fields) => withFields({ ...bound, ...fields }),
    };
  }
}

/** Keys that a line has already; a field of that name gets an underscore. */
const ownKeys = new Set(['level', 'time', 'msg']);

type Primitive = string | number | boolean;

/** Reduces fields to what may be printed. The types promise as much already; an error cast to a string does not. */
function printable(fields: Readonly<Record<string, unknown>>): Record<string, Primitive> {
  const kept = new Map<string, Primitive>();
  for (const [name, value] of Object.entries(fields)) {
    const shown = primitive(value);
    if (shown !== undefined) kept.set(ownKeys.has(name) ? `${name}_` : name, shown);
  }
  return Object.fromEntries(kept);
}

function primitive(value: unknown): Primitive | undefined {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'boolean') return value;
  // JSON has no NaN; pino would print null.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return value instanceof Error ? errorName(value) : undefined;
}

/** An error's name, where it looks like one: it is a plain property, and anything can be assigned to it. */
function errorName(error: Error): string {
  return typeof error.name === 'string' && /^[A-Za-z]{1,64}$/.test(error.name) ? error.name : 'Error';
}

function sentence(message: unknown): string {
  return String(primitive(message) ?? '');
}

function cut(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}
