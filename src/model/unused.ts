/**
 * Which declarations anything names.
 *
 * Takes notes while names are resolved. A declaration's own resolution is quiet: looking at a group does not use it, but
 * its members are named by it. What only a forgotten group names is not said to be forgotten too: first the group goes.
 */
export class Uses {
  readonly #named = new Set<string>();

  note(name: string): void {
    this.#named.add(name);
  }

  get named(): ReadonlySet<string> {
    return this.#named;
  }
}
