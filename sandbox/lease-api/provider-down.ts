import type { World } from './world.ts';

interface Subject {
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/**
 * Fails as a driver does whose system is down, where a fault says so. Like some drivers it repeats what it connected
 * with, the provider's own password included.
 */
export function demandProvider({ faults }: World, { name, inputs }: Subject): void {
  const fault = faults.forProvider('provider-down', name);
  if (fault === undefined) return;
  const text = (key: string, otherwise: string): string => {
    const value = inputs[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
  };
  const user = text('username', 'root');
  const password = text('password', fault.password);
  const place = `${text('host', 'provider')}:${text('port', '5432')}`;
  const message = `connection to "postgresql://${user}:${password}@${place}" failed: FATAL: the database system is shutting down (user=${user} password=${password})`;
  throw Object.assign(new Error(message), { code: '57P03' });
}
