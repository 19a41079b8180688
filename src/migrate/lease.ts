import type { z } from 'zod';

import { parseDuration } from '../api/duration.ts';
import type { leaseSpec } from '../api/dynamic-secret-lease.ts';
import { secretTypes, type SecretType } from '../api/secret-shape.ts';
import type { SourceSpec } from './source.ts';
import { convertTemplate } from './template.ts';
import type { Findings } from './findings.ts';

type LeaseInput = z.input<typeof leaseSpec>;
type SecretInput = NonNullable<LeaseInput['secret']>;
type SourceSecret = SourceSpec['managedSecretReference'];

/**
 * The lease that an object comes to; where `findings` has faults, it is not whole.
 *
 * @param slugOf the slug of a project by its id; undefined where nobody has said it.
 */
export function convertLease(
  spec: SourceSpec,
  connection: string,
  slugOf: (projectId: string) => string | undefined,
  findings: Findings,
): LeaseInput {
  const { dynamicSecret: target } = spec;
  return {
    connectionRef: { name: connection },
    dynamicSecret: {
      name: target.secretName,
      projectSlug: projectOf(target, slugOf, findings),
      environmentSlug: target.environmentSlug,
      path: target.secretsPath,
    },
    ttl: ttlOf(spec.leaseTTL, findings),
    // The other operator leaves leases to run out unless it is told otherwise; here the default is to revoke them.
    revocation: spec.leaseRevocationPolicy === 'Revoke' ? undefined : { onDelete: 'Expire' },
    secret: convertSecret(spec.managedSecretReference, findings),
  };
}

function projectOf(
  { projectSlug = '', projectId = '' }: SourceSpec['dynamicSecret'],
  slugOf: (projectId: string) => string | undefined,
  findings: Findings,
): string {
  const slug = projectSlug === '' ? slugOf(projectId) : projectSlug;
  if (slug === undefined)
    findings.fault(
      `The project of id ${projectId} is named by its slug here: say it with --project ${projectId === '' ? 'ID' : projectId}=SLUG.`,
    );
  return slug ?? '';
}

function ttlOf(ttl: string | undefined, findings: Findings): string | undefined {
  if (ttl === undefined || ttl === '') return undefined;
  if (parseDuration(ttl) === undefined)
    findings.fault('spec.leaseTTL is not a whole number with one unit (90m, not 1h30m).');
  return ttl;
}

function convertSecret(from: SourceSecret, findings: Findings): SecretInput {
  const data = convertData(from.template, findings);
  return {
    name: from.secretName,
    // The Secret is there already: it is taken over, and pods keep what they read until the first lease is in it.
    adoption: 'Adopt',
    deletionPolicy: from.creationPolicy === 'Owner' ? undefined : 'Retain',
    type: typeOf(from.secretType, findings),
    data,
    labels: from.template?.metadata?.labels,
    annotations: from.template?.metadata?.annotations,
  };
}

function isKnown(type: string): type is SecretType {
  return Object.hasOwn(secretTypes, type);
}

function typeOf(type: string = 'Opaque', findings: Findings): SecretType | undefined {
  if (!isKnown(type)) {
    findings.fault(`spec.managedSecretReference.secretType ${type} is none that leaseholder makes.`);
    return undefined;
  }
  return type === 'Opaque' ? undefined : type;
}

function convertData(
  template: SourceSecret['template'],
  findings: Findings,
): Record<string, string> | undefined {
  const entries = Object.entries(template?.data ?? {}).map(([key, text]): [string, string] => {
    const converted = convertTemplate(text);
    if (converted === undefined)
      findings.fault(
        `spec.managedSecretReference.template.data.${key} is more than values in a text: write it in Liquid.`,
      );
    return [key, converted ?? ''];
  });
  if (entries.length === 0) return undefined;
  if (template?.includeAllSecrets === true)
    findings.note(
      'template.includeAllSecrets: name in secret.include the values of the lease that are wanted beside secret.data.',
    );
  return Object.fromEntries(entries);
}
