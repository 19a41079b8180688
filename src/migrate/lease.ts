import type { z } from 'zod';

import { parseDuration } from '../api/duration.ts';
import type { leaseSpec } from '../api/dynamic-secret-lease.ts';
import { secretTypes, type SecretType } from '../api/secret-shape.ts';
import type { Converted } from './connection.ts';
import type { SourceSpec } from './source.ts';
import { convertTemplate } from './template.ts';

type LeaseInput = z.input<typeof leaseSpec>;
type SecretInput = NonNullable<LeaseInput['secret']>;

/**
 * The lease that an object comes to.
 *
 * @param slugOf the slug of a project by its id; undefined where nobody has said it.
 */
export function convertLease(
  spec: SourceSpec,
  connection: string,
  slugOf: (projectId: string) => string | undefined,
): Converted<LeaseInput> {
  const { dynamicSecret: target, leaseTTL } = spec;
  const projectSlug = isSet(target.projectSlug) ? target.projectSlug : slugOf(target.projectId ?? '');
  const secret = convertSecret(spec.managedSecretReference);
  const ttl = isSet(leaseTTL) ? { ttl: leaseTTL } : {};
  const faults = [...secret.faults];
  if (projectSlug === undefined)
    faults.push(
      `The project of id ${target.projectId ?? ''} is named by its slug here: say it with --project ${target.projectId ?? 'ID'}=SLUG.`,
    );
  if (isSet(leaseTTL) && parseDuration(leaseTTL) === undefined)
    faults.push('spec.leaseTTL is not a whole number with one unit (90m, not 1h30m).');
  return {
    value:
      projectSlug === undefined || secret.value === undefined
        ? undefined
        : {
            connectionRef: { name: connection },
            dynamicSecret: {
              name: target.secretName,
              projectSlug,
              environmentSlug: target.environmentSlug,
              path: target.secretsPath,
            },
            ...ttl,
            // The other operator leaves leases to run out unless it is told otherwise; here the default is to revoke them.
            ...(spec.leaseRevocationPolicy === 'Revoke' ? {} : { revocation: { onDelete: 'Expire' as const } }),
            secret: secret.value,
          },
    notes: secret.notes,
    faults,
  };
}

function convertSecret(from: SourceSpec['managedSecretReference']): Converted<SecretInput> {
  const { template, secretType = 'Opaque' } = from;
  const faults: string[] = [];
  const data: Record<string, string> = {};
  for (const [key, text] of Object.entries(template?.data ?? {})) {
    const converted = convertTemplate(text);
    if (converted === undefined)
      faults.push(`spec.managedSecretReference.template.data.${key} is more than values in a text: write it in Liquid.`);
    else data[key] = converted;
  }
  const isKnown = (type: string): type is SecretType => Object.hasOwn(secretTypes, type);
  if (!isKnown(secretType)) faults.push(`spec.managedSecretReference.secretType ${secretType} is none that leaseholder makes.`);
  const hasData = Object.keys(data).length > 0;
  const notes =
    hasData && template?.includeAllSecrets === true
      ? ['template.includeAllSecrets: name in secret.include the values of the lease that are wanted beside secret.data.']
      : [];
  return {
    value: {
      name: from.secretName,
      // The Secret is there already: it is taken over, and pods keep what they read until the first lease is in it.
      adoption: 'Adopt',
      ...(from.creationPolicy === 'Owner' ? {} : { deletionPolicy: 'Retain' as const }),
      ...(isKnown(secretType) && secretType !== 'Opaque' ? { type: secretType } : {}),
      ...(hasData ? { data } : {}),
      ...(template?.metadata?.labels === undefined ? {} : { labels: template.metadata.labels }),
      ...(template?.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
    },
    notes,
    faults,
  };
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
