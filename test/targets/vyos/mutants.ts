/**
 * Mutants of emitted commands: one edit each, of the kinds that hands and bugs make.
 *
 * Takes the text, gives every edit at every place that it fits, with the name of its kind. Whether an edit changes the meaning is not said
 * here; that is for the tests to find out.
 */
export interface Mutant {
  readonly kind: string;
  /** One-based line of the edit. */
  readonly line: number;
  readonly text: () => string;
}

/** Gives the line as it was where the edit does not fit; the empty line takes the command away. */
type Edit = (line: string) => string;

const inRule = / rule \d+ /u;

const edits: readonly (readonly [kind: string, edit: Edit])[] = [
  ['drop becomes accept', (line) => (inRule.test(line) ? line.replace(/ action 'drop'$/u, " action 'accept'") : line)],
  ['accept becomes drop', (line) => (inRule.test(line) ? line.replace(/ action 'accept'$/u, " action 'drop'") : line)],
  ['open a default', (line) => line.replace(/( name \S+ default-action) 'drop'$/u, "$1 'accept'")],
  ['a default returns', (line) => line.replace(/( name \S+ default-action) 'drop'$/u, "$1 'return'")],
  ['close a default', (line) => line.replace(/( name \S+ default-action) 'accept'$/u, "$1 'drop'")],
  ['the base chain drops', (line) => line.replace(/(forward filter default-action) 'accept'$/u, "$1 'drop'")],
  ['turn a check around', (line) => line.replace(/-group '!/u, "-group '")],
  ['turn a match around', (line) => line.replace(/((?:address|network)-group) '([^!])/u, "$1 '!$2")],
  ['forget a source', (line) => (/ rule \d+ source (?:group|address) /u.test(line) ? '' : line)],
  ['forget a destination', (line) => (/ rule \d+ destination (?:group \S+-group|address) /u.test(line) ? '' : line)],
  [
    'swap the ends',
    (line) =>
      inRule.test(line)
        ? line.replace(
            / (source|destination) (group (?:address|network)|address)/u,
            (_, end, rest) => ` ${end === 'source' ? 'destination' : 'source'} ${rest}`,
          )
        : line,
  ],
  ['change a port', (line) => line.replace(/(port) '(\d+)'$/u, (_, word, port) => `${word} '${Number(port) + 1}'`)],
  ['widen ports', (line) => line.replace(/(port) '(\d+)-\d+'$/u, (_, word, first) => `${word} '${first}-65535'`)],
  ['forget ports', (line) => (/ destination port /u.test(line) ? '' : line)],
  ['change a protocol', (line) => line.replace(/protocol '(tcp|udp)'$/u, (_, one) => `protocol '${one === 'tcp' ? 'udp' : 'tcp'}'`)],
  ['both protocols', (line) => line.replace(/protocol '(tcp|udp)'$/u, "protocol 'tcp_udp'")],
  ['change a message', (line) => line.replace(/(icmp(?:v6)? type) '(\d+)'$/u, (_, word, type) => `${word} '${Number(type) + 1}'`)],
  ['forget a message', (line) => (/ icmp(?:v6)? (?:type|code) /u.test(line) ? '' : line)],
  ['forget the state', (line) => (inRule.test(line) && line.endsWith(" state 'new'") ? '' : line)],
  ['another state', (line) => line.replace(/( rule \d+ state) 'new'$/u, "$1 'invalid'")],
  ['forget the hop limit', (line) => (/ hop-limit eq /u.test(line) ? '' : line)],
  ['move an address', (line) => line.replace(/(address-group \S+ address '\d+\.\d+\.\d+)\.(\d+)'$/u, (_, start, last) => `${start}.${Number(last) ^ 1}'`)],
  ['widen a range', (line) => line.replace(/(address '\d+\.\d+)\.\d+\.\d+-/u, '$1.0.0-')],
  ['widen a network', (line) => line.replace(/(network '\d+)\.\d+\.\d+\.\d+\/\d+'/u, "$1.0.0.0/8'")],
  ['drop a member', (line) => (/ group \S+ \S+ (?:address|network|port|interface) /u.test(line) ? '' : line)],
  ['accept invalid', (line) => line.replace(/(invalid action) 'drop'$/u, "$1 'accept'")],
  ['drop established', (line) => line.replace(/(established action) 'accept'$/u, "$1 'drop'")],
  ['forget a state policy', (line) => (/ state-policy \S+ action /u.test(line) ? '' : line)],
  [
    'another rule set',
    (line) =>
      line.replace(
        /( from \S+ firewall (?:ipv6-)?name) '([^']+)'$/u,
        (_, start, name) => `${start} '${(name as string).split('-to-').toReversed().join('-to-')}'`,
      ),
  ],
  ['forget a rule set', (line) => (/ (?:from \S+|intra-zone-filtering) firewall (?:ipv6-)?name /u.test(line) ? '' : line)],
  ['forget the local zone', (line) => (line.endsWith(' local-zone') ? '' : line)],
  ['forget an interface', (line) => (/ member interface /u.test(line) ? '' : line)],
  [
    'accept inside a zone',
    (line) => (/ intra-zone-filtering firewall name /u.test(line) ? line.replace(/ firewall name '[^']+'$/u, " action 'accept'") : line),
  ],
  ['another number', (line) => line.replace(/ rule 10 /u, ' rule 99990 ')],
  ['change a description', (line) => line.replace(/description '[^']*'$/u, "description 'edited'")],
  ['forget a log', (line) => (/ (?:default-log|log)$/u.test(line) ? '' : line)],
];

export function mutantsOf(text: string): Mutant[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) =>
    line.startsWith('set ')
      ? edits.flatMap(([kind, edit]): Mutant[] => {
          const changed = edit(line);
          return changed === line ? [] : [{ kind, line: index + 1, text: () => lines.with(index, changed).join('\n') }];
        })
      : [],
  );
}

export const kinds: readonly string[] = edits.map(([kind]) => kind);
