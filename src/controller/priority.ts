/** How soon a key is served: every urgent key before any normal one, every normal one before any in the background. */
export type Priority = 'urgent' | 'normal' | 'background';

/** The highest first. */
export const priorities = ['urgent', 'normal', 'background'] as const satisfies readonly Priority[];

export function higher(one: Priority, other: Priority): Priority {
  return priorities.indexOf(one) <= priorities.indexOf(other) ? one : other;
}
