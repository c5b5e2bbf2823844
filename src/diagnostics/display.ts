/**
 * Source text as a terminal may safely show it.
 *
 * Takes text that anybody may have written; gives cells with a known width in columns. The one idea: whatever moves
 * the cursor, hides itself or turns the direction of writing is shown as an escape (`\u{202e}`), so that an excerpt
 * looks like what the compiler read and an underline stands under the right characters.
 */

/** One character as shown. Combining marks are cells of width 0. */
export interface Cell {
  /** Of the character in the text, in UTF-16 code units. */
  readonly offset: number;
  readonly shown: string;
  readonly width: number;
}

/**
 * Controls, formats (bidirectional marks, tags), what is invisible by definition (zero-width characters, fillers,
 * variation selectors), lone surrogates, private use, line and paragraph separators.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

const emoji = /\p{Emoji_Presentation}/u;
const combining = /\p{M}/u;

/** Blocks whose characters take two columns (Unicode, East Asian Width W and F), first and last of each. */
const wide: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115e],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];

const tabStop = 4;

function escaped(character: string): string | undefined {
  if (character >= ' ' && character <= '~') return undefined;
  if (!unsafe.test(character)) return undefined;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function widthOf(character: string): number {
  if (character >= ' ' && character <= '~') return 1;
  if (combining.test(character)) return 0;
  const code = character.codePointAt(0) ?? 0;
  if (wide.some(([first, last]) => first <= code && code <= last) || emoji.test(character)) return 2;
  return 1;
}

/** The characters of one line; tabs become spaces up to the next tab stop. */
export function cells(line: string): readonly Cell[] {
  const row: Cell[] = [];
  let offset = 0;
  let column = 0;
  for (const character of line) {
    const shown = character === '\t' ? ' '.repeat(tabStop - (column % tabStop)) : (escaped(character) ?? character);
    const width = shown === character ? widthOf(character) : shown.length;
    row.push({ offset, shown, width });
    offset += character.length;
    column += width;
  }
  return row;
}

/** Text for a message, on one line. */
export function visible(text: string): string {
  return Array.from(text, (character) => escaped(character) ?? character).join('');
}
