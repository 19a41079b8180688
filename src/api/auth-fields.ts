import { z } from 'zod';

import { objectName } from './object.ts';
import { patternedText } from './rule.ts';

/** Of the server's organisations below the identity's own, the one to log in to (contract section 1.10). */
export const organizationSlug = patternedText('^[a-z0-9]+([_-][a-z0-9]+)*$', {
  field: 'organizationSlug',
  must: "must be the slug of an organisation: lower-case letters, digits, '-' and '_'",
  most: 32,
})
  .optional()
  .describe(
    "Slug of the organisation below the identity's own that the login is for. Without it: the identity's own.",
  );

export const identityId = patternedText('^[0-9A-Za-z-]+$', {
  field: 'identityId',
  must: "must be the machine identity's id, as the server's settings show it: letters, digits and '-'",
  most: 64,
}).describe("The machine identity's id. It is no secret.");

interface AccountRef {
  readonly name: string;
  readonly audience?: string | undefined;
}

/** A ServiceAccount whose token is shown. @param audience says whom it is for where nothing is said; `use`, what becomes of it. */
export function accountRef(audience: string, use: string): z.ZodType<AccountRef, AccountRef> {
  return z
    .object({
      name: objectName.describe(
        "Name of the ServiceAccount, in the same namespace; of a cluster connection: in the operator's own.",
      ),
      audience: patternedText('^[!-~]+$', {
        field: 'audience',
        must: 'must be one audience, without spaces',
        most: 1024,
      })
        .optional()
        .describe(`Whom the token is for. Without it${audience}.`),
    })
    .describe(
      `The ServiceAccount whose token is ${use}. The operator requests one for each login, which is good for ten minutes; it needs "create" on serviceaccounts/token for it.`,
    );
}

export const serviceAccountRef = accountRef(
  ', it is for the Kubernetes API itself, and whoever receives it can use it there: better one of its own',
  'shown',
);

/** Says that exactly one of these fields is there, to zod and to the API server alike. */
export function exactlyOne<Shape extends z.ZodObject>(
  schema: Shape,
  field: string,
  names: readonly (keyof z.infer<Shape> & string)[],
): Shape {
  const must = `must have exactly one of ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  const given = (value: Readonly<Record<string, unknown>>): number =>
    names.filter((name) => value[name] !== undefined).length;
  const has = names.map((name) => `has(self.${name})`).join(', ');
  return schema
    .refine((value) => given(value) === 1, { error: must })
    .meta({
      'x-kubernetes-validations': [
        { rule: `[${has}].filter(one, one).size() == 1`, message: `${field} ${must}` },
      ],
    });
}
