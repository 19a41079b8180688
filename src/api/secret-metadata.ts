import { z } from 'zod';

import { boundedText, matches, patternedText, type CelRule } from './rule.ts';
import { SUBDOMAIN } from './object.ts';

/** The most labels, and the most annotations, that a spec may ask for. */
const MOST_ENTRIES = 32;

/** The most characters of a key's prefix. */
const MOST_PREFIX = 253;

const KEY_PATTERN = `^(${SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`;
const key = new RegExp(KEY_PATTERN);

/**
 * Prefixes that Kubernetes or the operator give a meaning: an annotation `kubernetes.io/service-account.name` turns a
 * Secret into somebody's token. Subdomains such as `app.kubernetes.io/` are free.
 */
const reserved = ['leaseholder.dev/', 'kubernetes.io/', 'k8s.io/'];

interface MapRule {
  readonly must: string;
  /** The rule about each `key`, in CEL. */
  readonly cel: string;
  readonly holds: (key: string) => boolean;
}

const keyRules: readonly MapRule[] = [
  {
    must: `must not use the prefixes ${reserved.join(', ')}`,
    cel: reserved.map((prefix) => `!key.startsWith('${prefix}')`).join(' && '),
    holds: (name) => !reserved.some((prefix) => name.startsWith(prefix)),
  },
  {
    must: "must have keys of the form [prefix/]name: the name at most 63 letters, digits, '-', '_' or '.', the prefix a domain name in lower case",
    cel: `${matches('key', KEY_PATTERN)} && key.indexOf('/') <= ${String(MOST_PREFIX)}`,
    holds: (name) => key.test(name) && name.indexOf('/') <= MOST_PREFIX,
  },
];

const metadataMap = (field: string, value: z.ZodString): z.ZodRecord<z.ZodString, z.ZodString> => {
  const bounded = z.record(z.string(), value).refine((map) => Object.keys(map).length <= MOST_ENTRIES, {
    error: `must have at most ${String(MOST_ENTRIES)} entries`,
  });
  return keyRules
    .reduce(
      (map, { must, holds }) => map.refine((entries) => Object.keys(entries).every(holds), { error: must }),
      bounded,
    )
    .meta({
      maxProperties: MOST_ENTRIES,
      'x-kubernetes-validations': keyRules.map(({ must, cel }): CelRule => ({
        rule: `self.all(key, ${cel})`,
        message: `${field} ${must}`,
      })),
    });
};

const labelValue = patternedText('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$', {
  field: 'a label',
  must: "must be empty, or letters, digits, '-', '_' and '.' that begin and end with a letter or digit",
  most: 63,
});

export const labelMap = metadataMap('labels', labelValue);

export const annotationMap = metadataMap('annotations', boundedText(4096));
