import { z } from 'zod';

/** The most labels, and the most annotations, that a spec may ask for. */
const MOST_ENTRIES = 32;

const keyPattern = '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$';
const labelValuePattern = '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$';

/**
 * Prefixes that Kubernetes or the operator give a meaning: an annotation `kubernetes.io/service-account.name` turns a
 * Secret into somebody's token. Subdomains such as `app.kubernetes.io/` are free.
 */
const reserved = ['leaseholder.dev/', 'kubernetes.io/', 'k8s.io/'];

const metadataMap = (what: string, value: z.ZodString): z.ZodRecord<z.ZodString, z.ZodString> =>
  z
    .record(z.string(), value)
    .refine((map) => Object.keys(map).length <= MOST_ENTRIES, {
      error: `at most ${String(MOST_ENTRIES)} ${what}`,
    })
    .refine((map) => Object.keys(map).every((key) => new RegExp(keyPattern).test(key)), {
      error: `${what} must have keys that Kubernetes allows`,
    })
    .refine((map) => !Object.keys(map).some((key) => reserved.some((prefix) => key.startsWith(prefix))), {
      error: `${what} must not use the prefixes ${reserved.join(', ')}`,
    })
    .meta({
      maxProperties: MOST_ENTRIES,
      'x-kubernetes-validations': [
        {
          rule: `self.all(key, ${reserved.map((prefix) => `!key.startsWith('${prefix}')`).join(' && ')})`,
          message: `${what} must not use the prefixes ${reserved.join(', ')}`,
        },
        {
          rule: `self.all(key, key.matches('${keyPattern}'))`,
          message: `${what} must have keys of the form [prefix/]name, the name at most 63 letters, digits, '-', '_' or '.'`,
        },
      ],
    });

export const labelMap = metadataMap('labels', z.string().max(63).regex(new RegExp(labelValuePattern)));

export const annotationMap = metadataMap('annotations', z.string().max(4096));
