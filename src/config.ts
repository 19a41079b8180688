import { readFlags, shown } from './config/flags.ts';
import { options, schema } from './config/options.ts';
import type { Config, Option } from './config/options.ts';
import { renderHelp } from './config/text.ts';

export type { Config } from './config/options.ts';
export { renderConfigurationDoc } from './config/text.ts';

/** What a command line and an environment ask for. */
export type Parsed =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly string[] }
  | { readonly help: string }
  | { readonly version: true };

/**
 * Reads flags and environment. A flag goes before its variable, a variable before the default.
 *
 * @param argv the arguments behind the program's own name.
 * @returns every fault at once, in sentences that name the flag, the variable, what was given and what is allowed.
 *   Values of unknown flags and stray arguments are not repeated: nobody knows what they hold.
 */
export function parseConfig(argv: readonly string[], env: Environment): Parsed {
  const { given, asked, faults } = readFlags(argv);
  if (asked.has('--help')) return { help: renderHelp() };
  if (asked.has('--version')) return { version: true };
  const sources = options.flatMap((option) => firstSource(option, given, env) ?? []);
  const result = schema.safeParse(Object.fromEntries(sources.map(({ option, text }) => [option.key, text])));
  const wrong = new Set(result.error?.issues.map((issue) => issue.path[0]));
  const all = [...faults, ...sources.filter(({ option }) => wrong.has(option.key)).map(refusal)];
  return result.success && all.length === 0 ? { ok: true, config: result.data } : { ok: false, faults: all };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The text that counts for an option. */
interface Source {
  readonly option: Option;
  /** The flag or variable that it came from. */
  readonly from: string;
  readonly text: string;
}

function firstSource(
  option: Option,
  flags: ReadonlyMap<string, string>,
  env: Environment,
): Source | undefined {
  const last = option.lastVariable ?? option.variable;
  const candidates: readonly (readonly [string, string | undefined])[] = [
    [option.flag, flags.get(option.flag)],
    [option.variable, env[option.variable]],
    [last, env[last] === '' ? undefined : env[last]],
    ['the default', option.default],
  ];
  return candidates.flatMap(([from, text]) => (text === undefined ? [] : [{ option, from, text }]))[0];
}

function refusal({ option, from, text }: Source): string {
  const value = text === '' ? 'empty' : shown(text);
  return `${option.flag} (or ${option.variable}) must be ${option.allowed}; ${from} is ${value}.`;
}
