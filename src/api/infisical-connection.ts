import { z } from 'zod';

import { connectionAuth, type ConnectionAuth } from './auth.ts';
import { conditions } from './condition.ts';
import { objectMeta } from './object.ts';
import { patternedText } from './rule.ts';
import { caBundle, clientCertificate, tlsCelRules, tlsRules, tlsServerName } from './tls.ts';

const HOST = '([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9.])?|\\[[0-9A-Fa-f:.]+\\])';

export const connectionSpec = z
  .object({
    hostAPI: patternedText(`^https?://${HOST}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$`, {
      field: 'hostAPI',
      must: 'must be the address of the server, such as https://eu.infisical.com: http or https, with or without /api, and no user, query or fragment',
      most: 2048,
    }).describe('Address of the server, for example https://eu.infisical.com, with or without /api.'),
    caBundle: caBundle.optional(),
    tlsServerName: tlsServerName.optional(),
    clientCertificate: clientCertificate.optional(),
    insecureSkipVerify: z
      .boolean()
      .optional()
      .describe(
        "The server's certificate is not verified, so that whoever stands in between can read everything. Only where the operator runs with --allow-insecure-tls.",
      ),
    auth: connectionAuth,
  })
  .superRefine((spec, context) => {
    for (const { field, must, holds } of tlsRules) {
      if (!holds(spec)) context.addIssue({ code: 'custom', path: [field], message: must });
    }
  })
  .meta({ 'x-kubernetes-validations': tlsCelRules });

export type ConnectionSpec = z.infer<typeof connectionSpec>;

export const connectionStatus = z.object({
  observedGeneration: z.int().optional(),
  conditions: conditions.optional(),
  host: z.string().optional().describe('The server of the last login, without /api.'),
  lastLogin: z
    .object({
      succeeded: z.boolean(),
      at: z.string().meta({ format: 'date-time' }),
    })
    .optional()
    .describe('The last login: whether the server accepted it, and when.'),
  method: z.string().optional().describe('How it logs in: the method that spec.auth names.'),
  sessionEnds: z
    .string()
    .optional()
    .meta({ format: 'date-time' })
    .describe('When the access token in use ends; it is replaced before. Absent where it has no end.'),
  served: z
    .int()
    .optional()
    .describe(
      'How many objects use this connection: name it, or have leases that were made through it. It may be some seconds behind.',
    ),
});

export type ConnectionStatus = z.infer<typeof connectionStatus>;

export const connectionObject = z.object({
  metadata: objectMeta,
  spec: connectionSpec,
  status: connectionStatus.optional(),
});

export type ConnectionObject = z.infer<typeof connectionObject>;

/** The method that a connection logs in by, as `spec.auth` names it. */
export function methodOf({ auth }: ConnectionSpec): keyof ConnectionAuth | undefined {
  return (Object.keys(auth) as (keyof ConnectionAuth)[]).find((name) => typeof auth[name] === 'object');
}

/** The server of `hostAPI`, without /api and without a slash at the end: what identifies it. */
export function serverOf(hostAPI: string): string {
  return hostAPI.replace(/\/+$/, '').replace(/(?<=[^/:])\/+api$/, '');
}
