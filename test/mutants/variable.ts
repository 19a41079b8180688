/** The environment variable that names the mistake to a process of the simulation. */
export const MUTANT = 'LEASEHOLDER_MUTANT';
