import { z } from 'zod';

import { objectName, secretSource } from './object.ts';
import { patternedText, type CelRule } from './rule.ts';

/** One key of a ConfigMap in the same namespace. */
const configMapKeyRef = z.object({
  name: objectName.describe('Name of the ConfigMap, in the same namespace.'),
  key: patternedText('^[-._a-zA-Z0-9]+$', {
    field: 'key',
    must: "must be a key that a ConfigMap can have: letters, digits, '-', '_' and '.'",
    most: 253,
  }).describe('Key within the ConfigMap.'),
});

const oneSource = 'must have exactly one source: inline, configMapKeyRef or secretKeyRef';

/** Whom to trust. */
export const caBundle = z
  .object({
    inline: patternedText('^[ \\t\\r\\n]*-----BEGIN CERTIFICATE-----', {
      field: 'caBundle.inline',
      must: 'must be certificates in PEM, the first line -----BEGIN CERTIFICATE-----',
      most: 65_536,
    })
      .optional()
      .describe('Certificates in PEM that the server is verified with, instead of the usual ones.'),
    configMapKeyRef: configMapKeyRef
      .optional()
      .describe(
        'The key of a ConfigMap that holds such certificates. A change takes effect within a minute.',
      ),
    secretKeyRef: secretSource.shape.secretKeyRef
      .optional()
      .describe('The key of a Secret that holds such certificates. A change takes effect within a minute.'),
  })
  .refine((bundle) => Object.values(bundle).filter((source) => source !== undefined).length === 1, {
    error: oneSource,
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.inline), has(self.configMapKeyRef), has(self.secretKeyRef)].filter(source, source).size() == 1',
        message: `caBundle ${oneSource}`,
      },
    ],
  })
  .describe('Whom to trust for TLS: exactly one source.');

export type CABundle = z.infer<typeof caBundle>;

export const tlsServerName = patternedText(
  '^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?([.][A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$',
  {
    field: 'tlsServerName',
    must: 'must be a host name, such as infisical.example.com',
    most: 253,
  },
).describe(
  "The host name that the server's certificate must be for, where it is not that of hostAPI. The server is told it too (SNI).",
);

export const clientCertificate = z
  .object({
    certificate: secretSource.describe(
      'Key of a Secret that holds the certificate in PEM, and those of its issuers behind it.',
    ),
    privateKey: secretSource.describe(
      'Key of a Secret that holds its private key in PEM, without a password.',
    ),
  })
  .describe('What is shown to a server that wants a certificate of its clients.');

interface TLSFields {
  readonly hostAPI: string;
  readonly caBundle?: unknown;
  readonly tlsServerName?: unknown;
  readonly clientCertificate?: unknown;
  readonly insecureSkipVerify?: boolean | undefined;
}

interface FieldsRule {
  /** The field that the zod issue names. */
  readonly field: string;
  readonly must: string;
  readonly cel: string;
  readonly holds: (spec: TLSFields) => boolean;
}

/** Rules about fields together: none of them is accepted where it would mean nothing. */
export const tlsRules: readonly FieldsRule[] = [
  ...(['tlsServerName', 'clientCertificate', 'insecureSkipVerify'] as const).map((field) => ({
    field,
    must: 'must go with an address in hostAPI that begins with https:',
    cel: `!has(self.${field}) || self.hostAPI.startsWith('https:')`,
    holds: (spec: TLSFields) => spec[field] === undefined || spec.hostAPI.startsWith('https:'),
  })),
  {
    field: 'insecureSkipVerify',
    must: 'must not be true beside caBundle: with it nothing is verified',
    cel: '!has(self.insecureSkipVerify) || !self.insecureSkipVerify || !has(self.caBundle)',
    holds: ({ insecureSkipVerify, caBundle: bundle }) => insecureSkipVerify !== true || bundle === undefined,
  },
];

/** The same rules for the API server. A schema that extends the connection's has to name them again. */
export const tlsCelRules: readonly CelRule[] = tlsRules.map(({ field, must, cel }) => ({
  rule: cel,
  message: `${field} ${must}`,
  fieldPath: `.${field}`,
}));
