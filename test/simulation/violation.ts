/** Something that must hold did not. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** Such as `I1`. */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}
