import type { Clock } from '../clock.ts';

/** How to open a connection to the API server. The same object for as long as nothing of it has changed. */
export interface KubeTLS {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
  /** Address of an HTTP proxy to go through. */
  readonly proxy?: string;
}

export interface KubeCredentials {
  /** Sent with every request: `authorization`, and whom to impersonate. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: KubeTLS;
}

/** Where the API server is, and as whom to speak to it. */
export interface KubeAccess {
  /** The URL of the API server, without a slash at the end. */
  readonly server: string;
  /** The namespace that this process belongs to, or works in where nobody names one. */
  readonly namespace: string;
  /** The credentials, read again when they are older than {@link CREDENTIALS_LIFETIME}. */
  credentials(): Promise<KubeCredentials>;
  /** The credentials read anew, for when the server has refused the present ones (401). */
  refresh(): Promise<KubeCredentials>;
}

/** A projected token is replaced minutes before it ends; as client-go does, it is read again once a minute. */
export const CREDENTIALS_LIFETIME = 60_000;

/** A server that refuses everybody must not have us start an exec plugin for every request. */
const REFRESH_INTERVAL = 1000;

/** There is no way to the API server. The message says what is missing, and holds no credential. */
export class KubeAccessError extends Error {
  override readonly name = 'KubeAccessError';
}

/**
 * Keeps credentials for a minute, and has them read by one caller at a time. When they cannot be read again those at
 * hand stay: the server is the judge of whether they still hold.
 *
 * @param read reads the credentials; `anew` when the present ones were refused.
 * @throws KubeAccessError what `read` throws, when there are none yet.
 */
export async function cachedCredentials(
  clock: Clock,
  read: (anew: boolean) => Promise<KubeCredentials>,
): Promise<Pick<KubeAccess, 'credentials' | 'refresh'>> {
  let current = await read(false);
  let readAt = clock.elapsed();
  let reading: Promise<KubeCredentials> | undefined;

  const reread = async (anew: boolean): Promise<KubeCredentials> => {
    try {
      const fresh = await read(anew);
      current = sameTLS(fresh.tls, current.tls) ? { headers: fresh.headers, tls: current.tls } : fresh;
    } catch {
      // The file may be about to be replaced; the next look is not far off.
    }
    readAt = clock.elapsed();
    reading = undefined;
    return current;
  };
  const olderThan = (age: number): boolean => clock.elapsed() - readAt >= age;

  return {
    async credentials() {
      if (reading === undefined && olderThan(CREDENTIALS_LIFETIME)) reading = reread(false);
      return (await reading) ?? current;
    },
    async refresh() {
      if (reading === undefined && olderThan(REFRESH_INTERVAL)) reading = reread(true);
      return (await reading) ?? current;
    },
  };
}

function sameTLS(one: KubeTLS, other: KubeTLS): boolean {
  return (
    one.ca === other.ca &&
    one.cert === other.cert &&
    one.key === other.key &&
    one.servername === other.servername &&
    one.rejectUnauthorized === other.rejectUnauthorized &&
    one.proxy === other.proxy
  );
}
