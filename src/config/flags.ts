import { parseArgs } from 'node:util';
import { options } from './options.ts';

export interface Flags {
  readonly given: ReadonlyMap<string, string>;
  /** `--help` and `--version`, as far as they are asked for. */
  readonly asked: ReadonlySet<string>;
  readonly faults: readonly string[];
}

/** The flags that ask for an answer instead of a run; they take no value. */
const questions = new Set(['--help', '--version']);

const known = new Set(options.map(({ flag }) => flag));

/** Splits the command line. `parseArgs` is told not to be strict because it would stop at the first fault. */
export function readFlags(argv: readonly string[]): Flags {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(options.map(({ flag }) => [flag.slice(2), { type: 'string' as const }])),
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string>();
  const asked = new Set<string>();
  // By argument: a group of short flags is one argument and many tokens.
  const faults = new Map<number, string>();
  for (const token of tokens) {
    const fault = token.kind === 'option' ? flagFault(token, given) : strayFault(token, argv, faults);
    if (fault !== undefined) faults.set(token.index, fault);
    else if (token.kind === 'option' && token.value === undefined) asked.add(token.rawName);
    else if (token.kind === 'option') given.set(token.rawName, token.value);
  }
  return { given, asked, faults: [...faults.values()] };
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type FlagToken = Extract<Token, { kind: 'option' }>;

function flagFault(token: FlagToken, given: ReadonlyMap<string, string>): string | undefined {
  const { rawName, value } = token;
  if (!rawName.startsWith('--')) {
    return `Argument ${String(token.index + 1)} begins with a single dash. Flags are written with two: --name VALUE.`;
  }
  if (questions.has(rawName)) return value === undefined ? undefined : `${rawName} takes no value.`;
  if (!known.has(rawName)) return `${shown(rawName)} is no flag of leaseholder. --help lists them.`;
  if (given.has(rawName)) return `${rawName} is given more than once.`;
  if (value === undefined || (!token.inlineValue && value.startsWith('-'))) {
    return `${rawName} needs a value. One that begins with a dash is written ${rawName}=VALUE.`;
  }
  return undefined;
}

function strayFault(
  { kind, index }: Token,
  argv: readonly string[],
  faults: ReadonlyMap<number, string>,
): string | undefined {
  const before = argv[index - 1] ?? '';
  // Behind a refused flag it is most likely that flag's value: one fault is enough.
  const isValue = faults.has(index - 1) && before.startsWith('-') && !before.includes('=');
  if (kind === 'option-terminator' || isValue) return undefined;
  return `Argument ${String(index + 1)} is no flag. leaseholder takes flags only, written --name VALUE or --name=VALUE.`;
}

/** As JSON, so that no control character reaches a terminal; the longest sensible value is much shorter. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
