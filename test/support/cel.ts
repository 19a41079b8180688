/**
 * As much of CEL as the rules of the CRDs use, so that a test can say what the API server would say. Integers are
 * JavaScript numbers: exact up to 2^53, which is more than any bound of a rule.
 */
type Scope = Readonly<Record<string, unknown>>;
type Expression = (scope: Scope) => unknown;

/** Whether a rule holds. `variables` are `self` and, for transition rules, `oldSelf`. */
export function celHolds(rule: string, variables: Scope): boolean {
  const tokens = tokensOf(rule);
  const parsed = ternary(tokens);
  if (tokens.next < tokens.all.length)
    throw new SyntaxError(`Not read: ${tokens.all.slice(tokens.next).join(' ')}`);
  return parsed(variables) === true;
}

interface Tokens {
  readonly all: readonly string[];
  next: number;
}

const token = /\s*('(?:[^'\\]|\\.)*'|\d+|[A-Za-z_]\w*|&&|\|\||==|!=|>=|<=|[!*?:.,()[\]{}+-])/y;

function tokensOf(rule: string): Tokens {
  const all: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < rule.trimEnd().length) {
    const at = token.lastIndex;
    const found = token.exec(rule)?.[1];
    if (found === undefined) throw new SyntaxError(`Not CEL that is known here: ${rule.slice(at)}`);
    all.push(found);
  }
  return { all, next: 0 };
}

function peek(tokens: Tokens): string | undefined {
  return tokens.all[tokens.next];
}

function take(tokens: Tokens): string {
  const taken = tokens.all[tokens.next];
  if (taken === undefined) throw new SyntaxError('The rule ends too early.');
  tokens.next += 1;
  return taken;
}

function takes(tokens: Tokens, wanted: string): boolean {
  if (peek(tokens) !== wanted) return false;
  tokens.next += 1;
  return true;
}

function expects(tokens: Tokens, wanted: string): void {
  const taken = take(tokens);
  if (taken !== wanted) throw new SyntaxError(`${wanted} expected, not ${taken}.`);
}

function ternary(tokens: Tokens): Expression {
  const condition = binary(tokens, 0);
  if (!takes(tokens, '?')) return condition;
  const yes = ternary(tokens);
  expects(tokens, ':');
  const no = ternary(tokens);
  return (scope) => (condition(scope) === true ? yes(scope) : no(scope));
}

type Operator = (left: Expression, right: Expression) => Expression;

/** From the loosest to the tightest. */
const operators: readonly Readonly<Record<string, Operator>>[] = [
  { '||': (left, right) => (scope) => left(scope) === true || right(scope) === true },
  { '&&': (left, right) => (scope) => left(scope) === true && right(scope) === true },
  {
    '==': (left, right) => (scope) => left(scope) === right(scope),
    '!=': (left, right) => (scope) => left(scope) !== right(scope),
    '>=': (left, right) => (scope) => Number(left(scope)) >= Number(right(scope)),
    '<=': (left, right) => (scope) => Number(left(scope)) <= Number(right(scope)),
    in: (left, right) => (scope) => isIn(left(scope), right(scope)),
  },
  {
    '+': (left, right) => (scope) => sum(left(scope), right(scope)),
    '-': (left, right) => (scope) => Number(left(scope)) - Number(right(scope)),
  },
  { '*': (left, right) => (scope) => Number(left(scope)) * Number(right(scope)) },
];

/** An item of a list, or a key of a map. */
function isIn(item: unknown, range: unknown): boolean {
  return Array.isArray(range) ? range.includes(item) : Object.hasOwn(Object(range) as object, String(item));
}

/** Of numbers, or of texts behind each other. */
function sum(left: unknown, right: unknown): unknown {
  return typeof left === 'string' ? left + String(right) : Number(left) + Number(right);
}

function binary(tokens: Tokens, level: number): Expression {
  const row = operators[level];
  if (row === undefined) return unary(tokens);
  let left = binary(tokens, level + 1);
  for (let found = row[peek(tokens) ?? '']; found !== undefined; found = row[peek(tokens) ?? '']) {
    tokens.next += 1;
    left = found(left, binary(tokens, level + 1));
  }
  return left;
}

function unary(tokens: Tokens): Expression {
  if (!takes(tokens, '!')) return postfix(tokens, primary(tokens));
  const negated = unary(tokens);
  return (scope) => negated(scope) !== true;
}

function primary(tokens: Tokens): Expression {
  const taken = take(tokens);
  if (taken === '(') return closed(tokens, ternary(tokens), ')');
  if (taken === '[') return listLiteral(tokens);
  if (taken === '{') return mapLiteral(tokens);
  if (taken.startsWith("'")) return constant(taken.slice(1, -1).replaceAll(/\\(.)/g, '$1'));
  if (/^\d/.test(taken)) return constant(Number(taken));
  if (taken === 'has') return has(tokens);
  if (taken === 'int') return int(tokens);
  return (scope) => scope[taken];
}

function constant(value: unknown): Expression {
  return () => value;
}

function closed(tokens: Tokens, inner: Expression, end: string): Expression {
  expects(tokens, end);
  return inner;
}

function listLiteral(tokens: Tokens): Expression {
  const items = separated(tokens, ']', () => ternary(tokens));
  return (scope) => items.map((item) => item(scope));
}

function mapLiteral(tokens: Tokens): Expression {
  const entries = separated(tokens, '}', () => {
    const key = ternary(tokens);
    expects(tokens, ':');
    return [key, ternary(tokens)] as const;
  });
  return (scope): unknown =>
    Object.fromEntries(entries.map(([key, value]) => [String(key(scope)), value(scope)]));
}

function separated<Item>(tokens: Tokens, end: string, read: () => Item): readonly Item[] {
  const items: Item[] = [];
  while (!takes(tokens, end)) {
    items.push(read());
    if (peek(tokens) !== end) expects(tokens, ',');
  }
  return items;
}

/** `has(a.b.c)`: the last name is looked up, not read. */
function has(tokens: Tokens): Expression {
  expects(tokens, '(');
  const root = take(tokens);
  const names = [root];
  while (takes(tokens, '.')) names.push(take(tokens));
  expects(tokens, ')');
  const last = names.pop() ?? '';
  return (scope) => Object.hasOwn(Object(names.reduce<unknown>(member, scope)) as object, last);
}

function member(of: unknown, name: string): unknown {
  return (of as Scope)[name];
}

function int(tokens: Tokens): Expression {
  const [value = constant(undefined)] = called(tokens);
  return (scope) => Number(value(scope));
}

function called(tokens: Tokens): readonly Expression[] {
  expects(tokens, '(');
  return separated(tokens, ')', () => ternary(tokens));
}

function postfix(tokens: Tokens, of: Expression): Expression {
  if (takes(tokens, '[')) {
    const key = closed(tokens, ternary(tokens), ']');
    return postfix(tokens, (scope) => member(of(scope), String(key(scope))));
  }
  if (!takes(tokens, '.')) return of;
  const name = take(tokens);
  if (peek(tokens) !== '(') return postfix(tokens, (scope) => member(of(scope), name));
  return postfix(tokens, name in macros ? macro(tokens, of, name) : call(tokens, of, name));
}

/** `all`, `exists` and `filter`: over a list, or over the keys of a map. */
const macros: Readonly<
  Record<string, (items: readonly unknown[], holds: (item: unknown) => boolean) => unknown>
> = {
  all: (items, holds) => items.every(holds),
  exists: (items, holds) => items.some(holds),
  filter: (items, holds) => items.filter(holds),
};

function macro(tokens: Tokens, of: Expression, name: string): Expression {
  expects(tokens, '(');
  const variable = take(tokens);
  expects(tokens, ',');
  const body = closed(tokens, ternary(tokens), ')');
  return (scope) => {
    const range = of(scope);
    const items = Array.isArray(range) ? range : Object.keys(Object(range) as object);
    return macros[name]?.(items, (item) => body({ ...scope, [variable]: item }) === true);
  };
}

const functions: Readonly<Record<string, (of: unknown, ...args: unknown[]) => unknown>> = {
  size: (of) => (typeof of === 'string' ? Array.from(of).length : (of as readonly unknown[]).length),
  matches: (of, pattern) => new RegExp(String(pattern)).test(String(of)),
  startsWith: (of, prefix) => String(of).startsWith(String(prefix)),
  endsWith: (of, end) => String(of).endsWith(String(end)),
  indexOf: (of, part) => String(of).indexOf(String(part)),
  substring: (of, from, to) => String(of).slice(Number(from), to === undefined ? undefined : Number(to)),
};

function call(tokens: Tokens, of: Expression, name: string): Expression {
  const known = functions[name];
  if (known === undefined) throw new SyntaxError(`The function ${name} is not known here.`);
  const args = called(tokens);
  return (scope) => known(of(scope), ...args.map((one) => one(scope)));
}
