import { Clock } from './clock.ts';
import { Declarations } from './declarations.ts';
import { Faults } from './faults.ts';
import { Identities } from './identities.ts';
import { LeaseStore } from './lease-store.ts';
import { Ledger } from './ledger.ts';
import type { Lockout } from './logins/universal.ts';
import {
  DEFAULT_RETRY_DELAYS,
  DEFAULT_SWITCHES,
  type LeaseApiOptions,
  type RetryDelays,
  type Switches,
} from './options.ts';
import { Projects } from './projects.ts';
import type { Profile } from './refusal.ts';
import { RequestSchemas } from './schemas.ts';
import { SecretStore } from './secret-store.ts';
import { Tokens } from './tokens.ts';
import { type Wording, wordingOf } from './wording.ts';

/** Everything that a server holds between two requests. */
export interface World {
  readonly profile: Profile;
  readonly switches: Switches;
  readonly lockout: Lockout | undefined;
  readonly retryDelays: RetryDelays;
  readonly providerTimeoutMs: number;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly requests: RequestSchemas;
  readonly wording: Wording;
  readonly identities: Identities;
  readonly tokens: Tokens;
  readonly projects: Projects;
  readonly secrets: SecretStore;
  readonly leases: LeaseStore;
  readonly declarations: Declarations;
}

export function createWorld(options: LeaseApiOptions): World {
  const { profile = 'current', validation = 'strict' } = options;
  const clock = new Clock(options.clock);
  const now = (): number => clock.now();
  const switches = { ...DEFAULT_SWITCHES, ...options.switches };
  return {
    profile,
    switches,
    lockout: profile === 'current' ? options.lockout : undefined,
    retryDelays: options.retryDelays ?? DEFAULT_RETRY_DELAYS,
    providerTimeoutMs: options.providerTimeoutMs ?? 10_000,
    clock,
    ledger: new Ledger(now),
    faults: new Faults(),
    requests: new RequestSchemas({ profile, validation, garbageTtl: () => switches.garbageTtl }),
    wording: wordingOf(profile),
    identities: new Identities(),
    tokens: new Tokens(clock, profile),
    projects: new Projects(),
    secrets: new SecretStore(),
    leases: new LeaseStore(now),
    declarations: new Declarations(now),
  };
}
