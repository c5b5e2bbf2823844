/** Lists of selectors and services as the language reads them: a comma behind an unbraced exception would be ambiguous. */

export function joined(items: readonly string[]): string {
  return items.map((item, index) => (index + 1 < items.length && / except /u.test(item) ? `{ ${item} }` : item)).join(', ');
}

/** One item that may stand behind `except`. */
export function braced(items: readonly string[]): string {
  const only = items[0];
  return only !== undefined && items.length === 1 && !/ except /u.test(only) ? only : `{ ${joined(items)} }`;
}
