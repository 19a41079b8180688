import { z } from 'zod';

import { conditions } from './condition.ts';
import { objectMeta, secretSource } from './object.ts';
import { patternedText } from './rule.ts';

const universal = z.object({
  clientId: secretSource.describe("The machine identity's client id."),
  clientSecret: secretSource.describe("The machine identity's client secret."),
});

const token = secretSource;

const HOST = '([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9.])?|\\[[0-9A-Fa-f:.]+\\])';

const oneMethod = 'must name exactly one method: universal or token';

export const connectionSpec = z.object({
  hostAPI: patternedText(`^https?://${HOST}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$`, {
    field: 'hostAPI',
    must: 'must be the address of the server, such as https://eu.infisical.com: http or https, with or without /api, and no user, query or fragment',
    most: 2048,
  }).describe('Address of the server, for example https://eu.infisical.com, with or without /api.'),
  caBundle: z
    .object({
      inline: patternedText('^[ \\t\\r\\n]*-----BEGIN CERTIFICATE-----', {
        field: 'caBundle.inline',
        must: 'must be certificates in PEM, the first line -----BEGIN CERTIFICATE-----',
        most: 65_536,
      }).describe('Certificates in PEM that the server is verified with, instead of the usual ones.'),
    })
    .optional()
    .describe('Whom to trust for TLS.'),
  auth: z
    .object({
      universal: universal.optional().describe('Log in with a client id and secret (Universal Auth).'),
      token: token.optional().describe('Use an access token as it is (Token Auth).'),
    })
    .refine((auth) => Object.values(auth).filter((method) => method !== undefined).length === 1, {
      error: oneMethod,
    })
    .meta({
      'x-kubernetes-validations': [
        {
          rule: '[has(self.universal), has(self.token)].filter(method, method).size() == 1',
          message: `auth ${oneMethod}`,
        },
      ],
    })
    .describe('How to log in: exactly one method.'),
});

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
});

export type ConnectionStatus = z.infer<typeof connectionStatus>;

export const connectionObject = z.object({
  metadata: objectMeta,
  spec: connectionSpec,
  status: connectionStatus.optional(),
});

export type ConnectionObject = z.infer<typeof connectionObject>;

/** The server of `hostAPI`, without /api and without a slash at the end: what identifies it. */
export function serverOf(hostAPI: string): string {
  return hostAPI.replace(/\/+$/, '').replace(/(?<=[^/:])\/+api$/, '');
}
