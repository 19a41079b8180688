import { z } from 'zod';
import { METHODS, ROUTE_NAMES, type Method, type RouteName } from './route.ts';
import { TOKEN_DEATHS } from './tokens.ts';

const when = z.enum(['before', 'after']);
const milliseconds = z.number().min(0);

/** What can go wrong. `before` means that the request has no effect; `after`, that only its answer suffers. */
export const faultAction = z.discriminatedUnion('type', [
  /** The connection is cut without an answer. */
  z.strictObject({ type: z.literal('answer-lost'), when }),
  z.strictObject({ type: z.literal('delay'), ms: milliseconds, when }),
  /** Another status code, as a proxy or an overloaded server gives it. */
  z.strictObject({
    type: z.literal('status'),
    status: z.union([z.literal(429), z.literal(500), z.literal(502), z.literal(503), z.literal(504)]),
    body: z.enum(['json', 'html']).default('json'),
    retryAfterSeconds: z.number().int().min(0).optional(),
    when: when.default('before'),
  }),
  /** A page of HTML with status 200, as a login portal or a wrong address gives it. */
  z.strictObject({ type: z.literal('html') }),
  /** Half of the answer: as a complete message (`body`) or with the connection cut in the middle (`connection`). */
  z.strictObject({ type: z.literal('truncated'), cut: z.enum(['body', 'connection']).default('body') }),
  /** One byte of the answer at a time. */
  z.strictObject({ type: z.literal('slow-body'), intervalMs: z.number().min(1) }),
  /** The answer, followed by so many bytes of white space that it has this size. */
  z.strictObject({ type: z.literal('huge-body'), bytes: z.number().int().min(0) }),
  z.strictObject({ type: z.literal('content-type'), value: z.string().default('text/plain') }),
  /** The provider does not revoke. Also for revocations that the server does by itself. */
  z.strictObject({
    type: z.literal('revocation-fails'),
    message: z.string().default('role cannot be dropped because some objects depend on it'),
  }),
  /**
   * The provider fails while it creates a credential, and its message holds the statement with the password.
   * `after`: the principal was made nevertheless, and no lease knows it.
   */
  z.strictObject({
    type: z.literal('driver-error'),
    password: z.string().default('Secr3t-Of-A-Failed-Statement'),
    when: when.default('before'),
  }),
  /**
   * The provider is down, from a look at it to a revocation: dynamic secrets can neither be made nor changed, leases neither
   * made, renewed nor revoked. Holds until it is disarmed, unless `times` says otherwise. The text of the failure holds
   * the password of the inputs, or `password` where they have none.
   */
  z.strictObject({
    type: z.literal('provider-down'),
    password: z.string().default('Secr3t-Of-A-Provider'),
  }),
  /** Reads show the leases as they were so many milliseconds ago. Looks back over the last 2,000 changes. */
  z.strictObject({ type: z.literal('replica-lag'), ms: milliseconds }),
  /** The token of the request dies while the request is on its way. */
  z.strictObject({ type: z.literal('token-death'), death: z.enum(TOKEN_DEATHS) }),
  /** A `config` that is not empty is refused, as strict types do. Matches only requests that have one. */
  z.strictObject({ type: z.literal('config-refused'), status: z.union([z.literal(400), z.literal(422)]) }),
  /** `config` is dropped without a word, as older servers do. Matches only requests that have one. */
  z.strictObject({ type: z.literal('config-dropped') }),
]);
export type FaultAction = z.infer<typeof faultAction>;

/** When a fault happens, and how often. */
export const faultRule = z.strictObject({
  match: z
    .strictObject({
      method: z.enum(METHODS).optional(),
      route: z.enum(ROUTE_NAMES).optional(),
      /** The name of a dynamic secret, as the server knows it. */
      dynamicSecret: z.string().optional(),
      /** The first of the matching requests that is hit, counted from 1 since the rule was armed. */
      nth: z.number().int().min(1).default(1),
      /** How many matching requests in a row are hit. @default 1; of `provider-down`: always */
      times: z.union([z.number().int().min(1), z.literal('always')]).optional(),
    })
    .prefault({}),
  action: faultAction,
});
export type FaultRule = z.input<typeof faultRule>;

type ProviderFault = Extract<FaultAction, { type: 'revocation-fails' | 'driver-error' | 'provider-down' }>;
export type RequestFault = Exclude<FaultAction, ProviderFault>;

interface Armed {
  readonly id: string;
  readonly rule: z.output<typeof faultRule>;
  /** Matching requests so far. */
  seen: number;
  hits: number;
}

interface Subject {
  readonly method?: Method;
  readonly route?: RouteName;
  readonly dynamicSecret: string | undefined;
  readonly hasConfig?: boolean;
}

/** The armed faults. Each counts its matching requests by itself. */
export class Faults {
  #armed: Armed[] = [];
  #last = 0;

  /** @throws ZodError if the rule is not one of the documented shapes. */
  arm(rule: FaultRule): string {
    this.#last += 1;
    const id = `fault-${this.#last}`;
    this.#armed.push({ id, rule: faultRule.parse(rule), seen: 0, hits: 0 });
    return id;
  }

  /** Takes one rule away, or all. */
  disarm(id?: string): void {
    this.#armed = id === undefined ? [] : this.#armed.filter((armed) => armed.id !== id);
  }

  /** The armed rules with how often each has hit. */
  list(): readonly { id: string; hits: number; rule: z.output<typeof faultRule> }[] {
    return this.#armed.map(({ id, hits, rule }) => ({ id, hits, rule }));
  }

  /** Whether any rule is armed; spares a request without faults the work of finding its dynamic secret. */
  get any(): boolean {
    return this.#armed.length > 0;
  }

  /** The faults that hit a request now, in the order in which they were armed. */
  forRequest(subject: Subject): readonly RequestFault[] {
    return this.#hitting(subject).filter(isRequestFault);
  }

  /** The fault that hits a provider's operation now. The rule's route and method are not looked at. */
  forProvider<T extends ProviderFault['type']>(
    type: T,
    dynamicSecret: string,
  ): Extract<ProviderFault, { type: T }> | undefined {
    const ofType = (action: FaultAction): action is Extract<ProviderFault, { type: T }> =>
      action.type === type;
    return this.#hitting({ dynamicSecret }, type).find(ofType);
  }

  #hitting(subject: Subject, type?: ProviderFault['type']): readonly FaultAction[] {
    return this.#armed
      .filter(({ rule }) => (type === undefined ? isRequestFault(rule.action) : rule.action.type === type))
      .filter(({ rule }) => matches(rule, subject))
      .filter(hit)
      .map(({ rule }) => rule.action);
  }
}

function isRequestFault(action: FaultAction): action is RequestFault {
  return (
    action.type !== 'revocation-fails' && action.type !== 'driver-error' && action.type !== 'provider-down'
  );
}

function matches({ match, action }: z.output<typeof faultRule>, subject: Subject): boolean {
  const needsConfig = action.type === 'config-refused' || action.type === 'config-dropped';
  if (needsConfig && subject.hasConfig !== true) return false;
  if (match.dynamicSecret !== undefined && match.dynamicSecret !== subject.dynamicSecret) return false;
  if (!isRequestFault(action)) return true;
  return (
    (match.method === undefined || match.method === subject.method) &&
    (match.route === undefined || match.route === subject.route)
  );
}

/** Counts the match; true while it lies within the rule's window. */
function hit(armed: Armed): boolean {
  const { match, action } = armed.rule;
  const { nth, times = action.type === 'provider-down' ? 'always' : 1 } = match;
  armed.seen += 1;
  const within = armed.seen >= nth && (times === 'always' || armed.seen < nth + times);
  if (within) armed.hits += 1;
  return within;
}
