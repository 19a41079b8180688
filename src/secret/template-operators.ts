import { defaultOperators, type Operators } from 'liquidjs';

import { spendOn } from './template-account.ts';

/** Those that look at the whole of what stands on their sides. */
const comparing = ['==', '!=', '<', '<=', '>', '>=', 'contains'] as const;

/** The operators of LiquidJS. What compares pays for it: two lists of a lease may be long, and compared in each `if`. */
export function templateOperators(): Operators {
  const paying = comparing.map((name): [string, Operators[string]] => {
    const compare = defaultOperators[name];
    if (compare === undefined) throw new Error(`LiquidJS has no operator ${name}.`);
    return [
      name,
      (left: unknown, right: unknown, context) => {
        spendOn(left);
        spendOn(right);
        return compare(left, right, context);
      },
    ];
  });
  return { ...defaultOperators, ...Object.fromEntries(paying) };
}
