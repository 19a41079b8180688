import { z } from 'zod';

import { shardSelector } from '../../../../src/api/shard.ts';
import { ownSecrets } from '../../../../src/reconcile/secrets/watched.ts';
import type { Stage } from '../../../support/stage.ts';

const paths = {
  secrets: `/api/v1/secrets?labelSelector=${encodeURIComponent(ownSecrets(undefined))}&`,
  dynamicsecretleases: `/apis/leaseholder.dev/v1alpha1/dynamicsecretleases?labelSelector=${encodeURIComponent(shardSelector(undefined))}&`,
} as const;

const watchLine = z.object({
  type: z.string(),
  object: z.looseObject({ metadata: z.looseObject({}) }),
});

/** The lines of a watch that begins now, up to the end of its first list: what a server that lags says later. */
export async function listAsOfNow(stage: Stage, plural: keyof typeof paths): Promise<readonly string[]> {
  const asList =
    'watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
  const text = await stage.kubectl('get', '--raw', `${paths[plural]}${asList}&timeoutSeconds=1`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { type, object } = watchLine.parse(JSON.parse(line));
      // The operator asks for nothing but the metadata of Secrets.
      const metadata = {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: object.metadata,
      };
      return JSON.stringify({ type, object: plural === 'secrets' ? metadata : object });
    });
}
