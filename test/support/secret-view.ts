import { z } from 'zod';

import { RECORD_ANNOTATION } from '../../src/api/names.ts';
import { parseRecord } from '../../src/api/record.ts';

const secretSchema = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  data: z.record(z.string(), z.string()).default({}),
});

/** A Secret as its reader sees it, and which leases its record names. */
export interface SecretView {
  readonly uid: string;
  /** The lease that its record names. */
  readonly lease: string | undefined;
  /** Those that the lease has replaced. */
  readonly previous: readonly string[];
  readonly username: string;
  readonly password: string;
}

/** @throws ZodError when it is no Secret. */
export function secretView(raw: unknown): SecretView {
  const { metadata, data } = secretSchema.parse(raw);
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  const record = parseRecord(metadata.annotations[RECORD_ANNOTATION]);
  return {
    uid: metadata.uid,
    lease: record?.lease.id,
    previous: record?.previous.map(({ id }) => id) ?? [],
    username: text('DB_USERNAME'),
    password: text('DB_PASSWORD'),
  };
}
