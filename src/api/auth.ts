import { z } from 'zod';

import { identityId, organizationSlug, serviceAccountRef } from './auth-fields.ts';
import { aws, azure, gcp } from './cloud-auth.ts';
import { secretKeyRef, secretSource } from './object.ts';

const universal = z.object({
  clientId: secretSource.describe("The machine identity's client id."),
  clientSecret: secretSource.describe("The machine identity's client secret."),
  organizationSlug,
});

const kubernetes = z.object({ identityId, serviceAccountRef, organizationSlug });

const ldap = z.object({
  identityId,
  username: secretSource.describe("The user's name, as the directory has it."),
  password: secretSource.describe("The user's password."),
  organizationSlug,
});

const oneProof = 'must have exactly one of serviceAccountRef and secretKeyRef';

/** A token that somebody else than the server has signed. */
const signed = (field: string): z.ZodType<SignedAuth, SignedAuth> =>
  z
    .object({
      identityId,
      serviceAccountRef: serviceAccountRef.optional(),
      secretKeyRef: secretKeyRef
        .optional()
        .describe('The key of a Secret that holds the token. It is read anew for each login.'),
      organizationSlug,
    })
    .refine((auth) => (auth.serviceAccountRef === undefined) !== (auth.secretKeyRef === undefined), {
      error: oneProof,
    })
    .meta({
      'x-kubernetes-validations': [
        {
          rule: '[has(self.serviceAccountRef), has(self.secretKeyRef)].filter(source, source).size() == 1',
          message: `${field} ${oneProof}`,
        },
      ],
    });

interface SignedAuth {
  readonly identityId: string;
  readonly serviceAccountRef?: z.infer<typeof serviceAccountRef> | undefined;
  readonly secretKeyRef?: z.infer<typeof secretKeyRef> | undefined;
  readonly organizationSlug?: string | undefined;
}

/** The ways to log in, in the order in which they are told. */
const methods = {
  universal: universal.optional().describe('Log in with a client id and secret (Universal Auth).'),
  kubernetes: kubernetes
    .optional()
    .describe(
      'Log in with the token of a ServiceAccount, which the server has reviewed by this cluster (Kubernetes Auth).',
    ),
  oidc: signed('oidc')
    .optional()
    .describe(
      'Log in with a token of an OpenID issuer, whose keys the server finds by itself (OIDC Auth): of this cluster, or of another issuer.',
    ),
  jwt: signed('jwt')
    .optional()
    .describe('Log in with a token that the server verifies with keys that it was given (JWT Auth).'),
  aws: aws
    .optional()
    .describe(
      'Log in as a role or user of AWS: a signed request for who that is, which the server sends to AWS (AWS Auth).',
    ),
  azure: azure.optional().describe('Log in as an identity of Azure, by a token of Entra ID (Azure Auth).'),
  gcp: gcp
    .optional()
    .describe(
      'Log in as a service account of Google Cloud, by a token of its metadata server or one that is signed with the key of the account (GCP Auth).',
    ),
  ldap: ldap
    .optional()
    .describe(
      'Log in as a user of a directory, whose name and password the server checks there (LDAP Auth).',
    ),
  token: secretSource.optional().describe('Use an access token as it is (Token Auth).'),
};

const names = Object.keys(methods);
const oneMethod = `must name exactly one method: ${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;

export const connectionAuth = z
  .object(methods)
  .refine((auth) => Object.values(auth).filter((method) => method !== undefined).length === 1, {
    error: oneMethod,
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: `[${names.map((name) => `has(self.${name})`).join(', ')}].filter(method, method).size() == 1`,
        message: `auth ${oneMethod}`,
      },
    ],
  })
  .describe('How to log in: exactly one method.');

export type ConnectionAuth = z.infer<typeof connectionAuth>;
