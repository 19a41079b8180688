import { Liquid, ParseError, UndefinedVariableError, type Template } from 'liquidjs';

import { LONGEST_TEMPLATE } from '../api/secret-shape.ts';
import { isOverdrawn, MOST_UNITS, openAccount, spend } from './template-account.ts';
import { TemplateContext } from './template-context.ts';
import { templateFilters, textOf } from './template-filters.ts';
import { templateOperators } from './template-operators.ts';

/** The longest range of numbers, such as `(1..5)`. */
const MOST_NUMBERS = 1000;

/** Tags of LiquidJS that templates may use. No loops, files or includes. */
const tags: ReadonlySet<string> = new Set(['assign', 'capture', 'if']);

/** What a template cannot be used for, as the end of a sentence that begins with the field; nothing of it is quoted. */
export const UNUSABLE =
  'is not a template that is taken: text with {{ output }}, {% assign %}, {% capture %} and {% if %}, and the filters base64_encode, default, downcase, json, replace, upcase and url_encode';

/** What came of filling a template. `missing`: names that it uses and nobody gives. */
export type Filled =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: 'unusable' | 'tooMuch' | 'fails' }
  | { readonly ok: false; readonly problem: 'missing'; readonly names: readonly string[] };

const engine = sandboxedEngine();

/**
 * LiquidJS without what could reach beyond a text and the values that are given: own properties only, unknown names and
 * filters are errors, no tag or filter but ours, and nothing is read from files.
 */
function sandboxedEngine(): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
    // A name that nobody gives may be asked for in an `if`, and have a default.
    lenientIf: true,
    templates: {},
    dynamicPartials: false,
    relativeReference: false,
    // Nothing else that is left of LiquidJS counts by it.
    memoryLimit: MOST_NUMBERS,
    operators: templateOperators(),
    outputEscape: (value: unknown) => {
      const text = textOf(value, spend);
      spend(text.length);
      return text;
    },
  });
  for (const name of Object.keys(liquid.tags)) if (!tags.has(name)) delete liquid.tags[name];
  for (const name of Object.keys(liquid.filters)) liquid.unregisterFilter(name);
  for (const [name, filter] of Object.entries(templateFilters(spend))) liquid.registerFilter(name, filter);
  return liquid;
}

/** Whether a text is a template that can be used at all, whatever the values are. */
export function isTemplate(text: string): boolean {
  return parse(text) !== undefined;
}

function parse(text: string): readonly Template[] | undefined {
  if (isTooLong(text)) return undefined;
  try {
    return engine.parse(text);
  } catch {
    return undefined;
  }
}

/** In characters, as Kubernetes counts them: one is two UTF-16 code units at the most. */
function isTooLong(text: string): boolean {
  if (text.length <= LONGEST_TEMPLATE) return false;
  return text.length > 2 * LONGEST_TEMPLATE || Array.from(text).length > LONGEST_TEMPLATE;
}

/**
 * Fills a template with the values of a lease. Never throws, and no message of the engine gets out: it could quote a
 * value.
 */
export function fill(text: string, values: Readonly<Record<string, unknown>>): Filled {
  const template = parse(text);
  if (template === undefined) return { ok: false, problem: 'unusable' };
  openAccount();
  try {
    const context = new TemplateContext(values, engine.options, { sync: true }, { liquid: engine });
    const made = String(engine.renderSync([...template], context));
    return made.length > MOST_UNITS
      ? { ok: false, problem: 'tooMuch' }
      : { ok: true, text: made.toWellFormed() };
  } catch (error) {
    return failure(error, template, values);
  }
}

function failure(
  error: unknown,
  template: readonly Template[],
  values: Readonly<Record<string, unknown>>,
): Filled {
  if (isOverdrawn()) return { ok: false, problem: 'tooMuch' };
  if (error instanceof ParseError) return { ok: false, problem: 'unusable' };
  if (!(error instanceof UndefinedVariableError)) return { ok: false, problem: 'fails' };
  return { ok: false, problem: 'missing', names: namesLacking(template, values) };
}

function namesLacking(
  template: readonly Template[],
  values: Readonly<Record<string, unknown>>,
): readonly string[] {
  try {
    const names = engine.globalVariablesSync([...template]);
    return names.filter((name) => !Object.hasOwn(values, name)).toSorted();
  } catch {
    // It could be filled as far as that name; what it has behind it may be too deep to be looked through.
    return [];
  }
}
