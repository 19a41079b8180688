import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { exports } from '../../../sandbox/demo/keep.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'leaseholder demo '));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const password = 'aB3-_.~!*$#';

/** Runs a line in a shell that has taken what `--keep` prints, with a kubectl that does this. */
function afterExports(kubectlDoes: string, line: string): string {
  const kubectl = path.join(folder, 'kubectl');
  writeFileSync(kubectl, `#!/bin/sh\n${kubectlDoes}\n`);
  chmodSync(kubectl, 0o755);
  const shop = { host: '127.0.0.1', port: 5433, database: 'shop' };
  const script = exports({ kubectl, kubeconfig: path.join(folder, 'kubeconfig'), shop });
  return execFileSync('/bin/sh', ['-c', `${script}\n${line}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Fills the template as kubectl does. */
const fills = `
test "$KUBECONFIG" = "$(dirname "$0")/kubeconfig" || exit 1
printf '%s' "\${5#go-template=}" | sed -e 's/{{[^}]*DB_USERNAME[^}]*}}/user-1/' -e 's/{{[^}]*DB_PASSWORD[^}]*}}/${password}/'`;

it('what --keep prints makes psql use what the Secret holds, whatever characters the password has', () => {
  const show = String.raw`printf '%s\n' "$PGHOST" "$PGPORT" "$PGDATABASE" "$PGUSER" "$PGPASSWORD"`;
  const shown = afterExports(fills, `login\n${show}`);
  expect(shown.trim().split('\n')).toEqual(['127.0.0.1', '5433', 'shop', 'user-1', password]);
});

it('without a Secret a login changes nothing and prints no variable', () => {
  const before = 'PGPASSWORD=old';
  expect(afterExports('exit 1', `${before}\nlogin\necho "$PGPASSWORD"`)).toBe('old\n');
});
