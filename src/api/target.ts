import type { z } from 'zod';

import { patternedText } from './rule.ts';

/** A slug of the server, such as that of a project. */
export const slug = (field: string, what: string): z.ZodString =>
  patternedText('^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$', {
    field,
    must: `must be the slug of the ${what}, not its display name: letters, digits, '-' and '_', beginning and ending with a letter or digit`,
    most: 253,
  }).describe(`Slug of the ${what}, as the server's settings show it; not its display name.`);

/** A folder of the server, without a slash at its end. */
export const folderPath = (field: string): z.ZodString =>
  patternedText('^(/|(/[a-zA-Z0-9_-]+)+)$', {
    field,
    must: "must be / or folders such as /team/orders: each of letters, digits, '-' and '_' behind a slash, and no slash at the end",
    most: 1024,
  });

/** The name of a dynamic secret: what the server makes a slug of, and nothing that it would change. */
export const dynamicSecretName = (field: string): z.ZodString =>
  patternedText('^[a-z0-9]+(-[a-z0-9]+)*$', {
    field,
    must: 'must be lower-case letters and digits with single hyphens between them, such as orders-postgres',
    most: 64,
  });
