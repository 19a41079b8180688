import type { AuditEvent, AuditLog } from '../../sandbox/control-plane/audit.ts';

/** Reads an audit log that many lives share, each line once. @returns what it has about a namespace so far. */
export function auditByNamespace(log: AuditLog): (namespace: string) => Promise<readonly AuditEvent[]> {
  const events = new Map<string, AuditEvent[]>();
  const seen = new Set<string>();
  let from = 0;
  let reading = Promise.resolve();

  async function read(): Promise<void> {
    // What comes after the mark may be read twice.
    const mark = await log.mark();
    for (const event of await log.eventsSoFar(from)) {
      const { namespace = '', id, stage } = event;
      if (seen.has(`${id} ${stage}`)) continue;
      seen.add(`${id} ${stage}`);
      const known = events.get(namespace) ?? [];
      events.set(namespace, known);
      known.push(event);
    }
    from = mark;
  }

  return async (namespace) => {
    reading = reading.then(read);
    await reading;
    return events.get(namespace) ?? [];
  };
}

/** Whether a request was meant to change something, and did. */
export function isDoneWrite({ verb, responseCode = 0 }: AuditEvent): boolean {
  return ['create', 'update', 'patch', 'delete'].includes(verb) && responseCode >= 200 && responseCode < 300;
}

/** Milliseconds since 1970. */
export function timeOf({ timestamp }: AuditEvent): number {
  return Date.parse(timestamp);
}
