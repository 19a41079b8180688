import { z } from 'zod';

import { objectName, secretKeyRef, secretSource } from './object.ts';
import { patternedText } from './rule.ts';

/** Of the server's organisations below the identity's own, the one to log in to (contract section 1.10). */
const organizationSlug = patternedText('^[a-z0-9]+([_-][a-z0-9]+)*$', {
  field: 'organizationSlug',
  must: "must be the slug of an organisation: lower-case letters, digits, '-' and '_'",
  most: 32,
})
  .optional()
  .describe(
    "Slug of the organisation below the identity's own that the login is for. Without it: the identity's own.",
  );

const identityId = patternedText('^[0-9A-Za-z-]+$', {
  field: 'identityId',
  must: "must be the machine identity's id, as the server's settings show it: letters, digits and '-'",
  most: 64,
}).describe("The machine identity's id. It is no secret.");

const serviceAccountRef = z
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
      .describe(
        'Whom the token is for. Without it, it is for the Kubernetes API itself, and whoever receives it can use it there: better one of its own.',
      ),
  })
  .describe(
    'The ServiceAccount whose token is shown. The operator requests one for each login, which is good for ten minutes; it needs "create" on serviceaccounts/token for it.',
  );

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
