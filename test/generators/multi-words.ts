/**
 * Services of small random plants, as words.
 *
 * Takes random choices and the services that are declared, gives a list of services. The idea: few ports, half of them of services by which
 * hosts are entered, so that flows, questions and chains meet on them.
 */
import type { Draw } from './draw.ts';

const smallPorts = [1, 22, 23, 102, 445, 501, 502, 503, 3389, 65535];

export interface SmallServices {
  readonly text: string;
  readonly weaker: boolean;
}

/** `reading`: where the words stand. Functions are named in allows and in questions; a deny of them needs more than ports. */
export function serviceWords(draw: Draw, declared: readonly string[], reading: 'allow' | 'deny' | 'service' | 'question'): SmallServices {
  const functions = reading === 'allow' || reading === 'question';
  const plain = (text: string): SmallServices => ({ text, weaker: false });
  const port = (): string => String(draw.pick(smallPorts));
  const range = (): string => {
    const [a, b] = [draw.pick(smallPorts), draw.pick(smallPorts)];
    return a === b ? String(a) : `${Math.min(a, b)}-${Math.max(a, b)}`;
  };
  const one = draw.weighted<() => SmallServices>([
    [4, () => plain(draw.pick(['ssh', 'rdp', 'smb', 'telnet']))],
    [3, () => plain(draw.pick(['modbus', 's7comm', 'ntp', 'netbios']))],
    [4, () => plain(`tcp ${draw.chance(50) ? port() : range()}`)],
    [2, () => plain(`udp ${draw.chance(50) ? port() : range()}`)],
    [2, () => plain(`tcp { ${port()}, ${range()} }`)],
    [1, () => plain(draw.pick(['tcp', 'udp', 'icmp', 'icmpv6']))],
    [
      2,
      () =>
        plain(
          draw.pick([
            'icmp echo-request',
            'icmp type 13 code 0',
            'icmpv6 type 128',
            'icmpv6 type 1 code 4',
            'ip protocol 47',
            'ip protocol 255',
            'ip protocol 58',
          ]),
        ),
    ],
    [2, () => plain('any')],
    [2, () => plain(`any except ${draw.pick(['ssh', 'tcp 22-502', 'tcp', 'icmp', 'udp', '{ modbus, smb }', '{ tcp 1-65535, udp }', 'ip protocol 47'])}`)],
    [declared.length * 2, () => plain(draw.pick(declared))],
    [
      functions ? 4 : 0,
      () => ({
        text: draw.pick([
          'modbus read',
          'modbus write',
          's7comm { read, program }',
          's7comm program',
          'modbus { read, diagnostics }',
          'modbus function 3',
          'modbus { read-coils, function 16 }',
          's7comm { read, plc-stop }',
          'modbus umas on tcp 501',
          'modbus unit 3',
          'modbus write unit 2-3 address 100-200',
          'modbus { read, function 6 } address 150-300',
          'modbus read unit 3 address 150',
        ]),
        weaker: true,
      }),
    ],
    [
      reading === 'question' ? 1 : 0,
      () =>
        plain(
          draw.pick([
            'any except modbus read',
            'any except { s7comm read, ssh }',
            'any except modbus function 3',
            'any except modbus read unit 3 address 100-300',
            'goose',
          ]),
        ),
    ],
  ])();
  if (!draw.chance(20) || one.text.includes('except') || one.text === 'goose') return one;
  const other = serviceWords(draw, declared, reading);
  return other.text.includes('except') ? one : { text: `${one.text}, ${other.text}`, weaker: one.weaker || other.weaker };
}
