import { z } from 'zod';

import { connectionSpec } from './infisical-connection.ts';
import { labelSelector } from './label-selector.ts';
import { objectName } from './object.ts';
import { folderPath, slug } from './target.ts';
import { tlsCelRules } from './tls.ts';

/** The most grants of a connection, and names in a grant; keeps the cost of the CEL rules in bounds. */
const MOST_GRANTS = 64;
const MOST_NAMES = 48;

const toSomebody = 'must say to whom: namespaces, namespaceSelector or both';

const names = <Name extends z.ZodType>(name: Name): z.ZodArray<Name> => z.array(name).min(1).max(MOST_NAMES);

const grant = z
  .object({
    namespaces: names(objectName.describe('Name of a namespace.'))
      .optional()
      .describe('The namespaces, by name.'),
    namespaceSelector: labelSelector
      .optional()
      .describe(
        'The namespaces, by their labels; {} selects all. Beside namespaces it adds to them: one of both is enough.',
      ),
    projects: names(slug('projects', 'project')).optional().describe('Only these projects. Without it, all.'),
    environments: names(slug('environments', 'environment'))
      .optional()
      .describe('Only these environments. Without it, all.'),
    pathPrefixes: names(folderPath('pathPrefixes').describe('A folder.'))
      .optional()
      .describe(
        'Only these folders and what is in them: /team is /team and /team/orders, not /teams. Without it, all.',
      ),
    manage: z
      .boolean()
      .optional()
      .describe(
        'Whether these namespaces may also declare dynamic secrets there (kind DynamicSecret): make, change and remove them. Default false: they only lease.',
      ),
  })
  .refine(
    ({ namespaces, namespaceSelector }) => namespaces !== undefined || namespaceSelector !== undefined,
    {
      error: toSomebody,
    },
  )
  .meta({
    'x-kubernetes-validations': [
      { rule: 'has(self.namespaces) || has(self.namespaceSelector)', message: `a grant ${toSomebody}` },
    ],
  })
  .describe('What some namespaces may lease, and whether they may declare it.');

/** Who may lease what through a cluster connection. */
export type Grant = z.infer<typeof grant>;

export const clusterConnectionSpec = connectionSpec
  .extend({
    grants: z
      .array(grant)
      .max(MOST_GRANTS)
      .optional()
      .describe(
        'Who may lease what through this connection. A lease needs one grant that covers its namespace, project, environment and path together; without a grant nobody may lease anything.',
      ),
  })
  .meta({ 'x-kubernetes-validations': tlsCelRules });
