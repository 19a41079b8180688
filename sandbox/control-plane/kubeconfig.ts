import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';

export interface KubeconfigContent {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly user: string;
  readonly token: string;
  /** The context's namespace. Default: none named, which means `default`. */
  readonly namespace?: string;
}

/** Writes a kubeconfig that needs no other file, readable by its owner only. */
export async function writeKubeconfig(file: string, content: KubeconfigContent): Promise<void> {
  const { server, ca, user, token, namespace } = content;
  const cluster = 'leaseholder-sandbox';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster,
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [
      { name: cluster, context: { cluster, user, ...(namespace === undefined ? {} : { namespace }) } },
    ],
    'current-context': cluster,
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
}

const tokens = z.object({ users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]) });

/** The bearer token in a kubeconfig that `writeKubeconfig` wrote. */
export async function tokenIn(file: string): Promise<string> {
  const { users } = tokens.parse(parse(await readFile(file, 'utf8')));
  return users[0].user.token;
}
