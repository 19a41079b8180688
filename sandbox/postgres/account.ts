import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The user and group that PostgreSQL runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The customary numbers of `nobody` and its group, for systems whose account list cannot be read. */
const NOBODY: Account = { uid: 65534, gid: 65534 };

/**
 * The account to run PostgreSQL as. PostgreSQL refuses to run as root, so under root this is the existing account
 * `nobody`; no account is ever created.
 *
 * @returns undefined where the current user is not root: PostgreSQL then simply runs as the current user.
 */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = accountLines().find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) return NOBODY;
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Whether the account can execute the file or enter the folder: every folder above must let it through. Access lists
 * beyond the permission bits are not looked at.
 */
export function canReach(path: string, account: Account): boolean {
  const parent = dirname(path);
  return mayExecute(path, account) && (parent === path || canReach(parent, account));
}

function mayExecute(path: string, account: Account): boolean {
  const { mode, uid, gid } = statSync(path);
  if (uid === account.uid) return (mode & 0o100) !== 0;
  if (gid === account.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}

function accountLines(): readonly string[] {
  try {
    return readFileSync('/etc/passwd', 'utf8').split('\n');
  } catch {
    return [];
  }
}
