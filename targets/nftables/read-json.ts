export function parseJson(_text: string): { tree: never; others: readonly string[] } { throw new Error('later'); }
