/**
 * What every report of diagnostics has to say in the same way.
 *
 * Takes diagnostics and names of files, gives lines and paths. The one idea: a report is read by a program that stands
 * at the folder where the command ran, so names of files are led back to it.
 */
import { posix } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';

/** `note: …` and `help: …` in the order of the text form, the title of a fix last unless it was said. */
export function remarks(item: Diagnostic): string[] {
  const help = item.fix === undefined || item.help.includes(item.fix.title) ? item.help : [...item.help, item.fix.title];
  return [...item.notes.map((text) => `note: ${text}`), ...help.map((text) => `help: ${text}`)];
}

/**
 * The path of a source from where a program reads the report. `folder` is that of the root file, with forward slashes,
 * empty for the working folder itself; names of sources are relative to it. `<stdin>` has no path and stays.
 */
export function pathFrom(folder: string, name: string): string {
  return name === '<stdin>' ? name : posix.join(folder, name);
}

/** Without halves of surrogate pairs (a name that was cut short may end in one): they are no text in any encoding. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Cs}/gu, '\ufffd');
}
