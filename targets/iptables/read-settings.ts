/**
 * The settings of Suricata on which its rules rest.
 *
 * Takes its configuration, gives the ports on which it looks for each protocol, or refuses. The one idea: a setting that is not known here
 * could let packets pass unseen, so every key must be one of these, and stand once; those that decide must have the value that fails closed.
 */
import { Refusal } from './read-tree.ts';

/** Keys from the outermost in, and the words that may stand there. */
const decides: ReadonlyMap<string, string> = new Map([
  ['default-rule-path', '/etc/suricata'],
  ['rule-files.0', 'suricata.rules'],
  ['engine.init-failure-fatal', 'yes'],
  ['exception-policy', 'auto'],
  ['action-order.0', 'pass'],
  ['action-order.1', 'alert'],
  ['action-order.2', 'drop'],
  ['action-order.3', 'reject'],
  ['nfq.mode', 'accept'],
  ['nfq.fail-open', 'no'],
  ['stream.inline', 'yes'],
  ['stream.midstream', 'no'],
  ['stream.async-oneside', 'no'],
  ['stream.bypass', 'no'],
  ['stream.reassembly.depth', '0'],
  ['stream.reassembly.urgent.policy', 'drop'],
]);
/** Protocols that it may look for, and what each of them needs besides the ports. */
const protocols = ['modbus'];
const ofProtocol: ReadonlyMap<string, string> = new Map([
  ['enabled', 'yes'],
  ['stream-depth', '0'],
]);
const portsKey = 'detection-ports.dp';
/** Where logs go, and how long a conversation is remembered: less ends it earlier. */
const harmless = /^(?:default-log-dir|stats\.enabled|flow-timeouts\.tcp\.(?:new|established|closed)|outputs\.0\.eve-log\.[a-z.0-9]+)$/u;

/** The ports on which each protocol is looked for. */
export function parseSettings(text: string): ReadonlyMap<string, ReadonlySet<number>> {
  const found = valuesOf(text);
  const sections = protocols
    .map((protocol) => ({ protocol, prefix: `app-layer.protocols.${protocol}.` }))
    .filter(({ prefix }) => [...found.keys()].some((key) => key.startsWith(prefix)));
  const needed = new Map([...decides, ...sections.flatMap(({ prefix }) => Array.from(ofProtocol, ([key, value]): [string, string] => [prefix + key, value]))]);
  const portKeys = new Map(sections.map(({ protocol, prefix }) => [prefix + portsKey, protocol]));
  for (const [key, { value, line }] of found) {
    if (portKeys.has(key) || harmless.test(key)) continue;
    const wanted = needed.get(key);
    if (wanted === undefined) throw new Refusal(line, `the setting ${key} is not known`);
    if (value !== wanted) throw new Refusal(line, `${key} is ${value || 'empty'}, not ${wanted}`);
  }
  if (sections.length === 0) throw new Refusal(undefined, 'no protocol is looked for');
  for (const key of [...needed.keys(), ...portKeys.keys()]) if (!found.has(key)) throw new Refusal(undefined, `the setting ${key} is missing`);
  return new Map(
    Array.from(portKeys, ([key, protocol]) => {
      const ports = found.get(key);
      if (ports === undefined || !/^\d{1,5}(?:,\d{1,5})*$/u.test(ports.value)) throw new Refusal(ports?.line, `the ports ${ports?.value ?? ''}`);
      return [protocol, new Set(ports.value.split(',').map(Number))];
    }),
  );
}

/** Every value by its keys; items of lists are numbered. Of YAML only blocks of keys and lists, two spaces deeper each. */
function valuesOf(text: string): ReadonlyMap<string, { readonly value: string; readonly line: number }> {
  const found = new Map<string, { value: string; line: number }>();
  let open: { readonly indent: number; readonly key: string; items: number }[] = [];
  const parents = new Set<string>();
  const [version, start, ...lines] = text.split('\n');
  if (version !== '%YAML 1.1' || start !== '---') throw new Refusal(1, 'no beginning of YAML 1.1');
  for (const [index, whole] of lines.entries()) {
    if (whole === '' || /^ *#/u.test(whole)) continue;
    const line = index + 3;
    const [, spaces = '', dash = '', name = '', , value = ''] =
      /^((?: {2})*)(- )?(?:([a-z][a-z0-9-]*):)?( )?([A-Za-z0-9/.,_-]*)$/u.exec(whole) ?? refuse(line, 'a line that cannot be read');
    const indent = spaces.length;
    open = open.filter((one) => one.indent < indent);
    const parent = open.at(-1);
    if (indent > 0 && (parent === undefined || parent.indent !== indent - 2)) refuse(line, 'a line that is too deep');
    const item = dash === '' ? [] : [String(parent === undefined ? 0 : parent.items++)];
    const key = [...(parent === undefined ? [] : [parent.key]), ...item, ...(name === '' ? [] : [name])].join('.');
    if (dash === '' && name === '') refuse(line, 'a value without a key');
    if (found.has(key) || parents.has(key)) refuse(line, `the setting ${key} stands twice`);
    if (value === '') {
      parents.add(key);
      // The keys of an item stand two spaces behind its dash.
      open.push({ indent: indent + (dash === '' ? 0 : 2), key, items: 0 });
    } else {
      found.set(key, { value, line });
    }
  }
  return found;
}

function refuse(line: number, what: string): never {
  throw new Refusal(line, what);
}
