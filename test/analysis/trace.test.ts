/** Traces of plants written by hand: what decided, what came nearest, and the way out. `trace-law.test.ts` has random ones. */
import { describe, expect, it } from 'vitest';
import { told } from './told.ts';
import type { Nearest } from '../../src/analysis/nearest-flow.ts';
import { trace, type TracedPlant, type TraceQuestion, type TraceResult } from '../../src/analysis/trace.ts';
import { resolve } from '../../src/model/resolve.ts';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { otherFunction } from '../../src/packets/functions.ts';
import { classMessages } from '../../src/model/functions.ts';
import { load } from '../../src/pipeline/load.ts';
import { place } from '../../src/policy/place.ts';
import { capabilities } from '../../targets/nftables/target.ts';
import { judgementDay } from '../generators/compile.ts';

/** A target that tells functions apart, beside the one that does not. */
const inspector = { ...capabilities, name: 'inspector', grades: { default: 'pdu' }, details: { modbus: ['unit', 'address'] } } as const;
const targets = new Map([capabilities, inspector].map((one) => [one.name, one]));

/** Two zones behind one gateway; `press` is reached by flows only. */
function plantOf(flows: string, { target = 'nftables', own = '', more = '' } = {}): TracedPlant {
  const text = `policy "p" { revision 1 }
zone office { level 4  networks 10.0.3.0/24, 2001:db8:3::/64 }
zone press  { level 1  networks 10.0.9.0/24, 2001:db8:9::/64 }
zone cell   { level 2  networks 10.0.7.0/24 }
host clerk in office { address 10.0.3.5, 2001:db8:3::5 }
host boss  in office { address 10.0.3.7 }
host plc   in press  { address 10.0.9.11, 2001:db8:9::11 }
${flows}
gateway gw {
  target ${target}
  interface eth0 { faces office  address 10.0.3.1/24, 2001:db8:3::1/64 }
  interface eth1 { faces press   address 10.0.9.1/24, 2001:db8:9::1/64 }
  ${own === '' ? 'manage none "console only"' : own}
}
${more === '' ? 'gateway far { target nftables;  interface c0 { faces cell  address 10.0.7.1/24 }  manage none "console" }' : more}
`;
  const loaded = load('plant.zone', () => Buffer.from(text));
  const { value: model, diagnostics } = resolve(loaded.declarations, loaded.sources);
  const placed = place(model, targets, judgementDay);
  const errors = [...loaded.diagnostics, ...diagnostics, ...placed.diagnostics].filter((one) => one.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((one) => `${one.code} ${one.message}`).join('\n'));
  return { model, placement: placed.value, targets };
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

type More = Partial<Omit<TraceQuestion, 'source' | 'destination'>>;

function ask(plant: TracedPlant, source: string, destination: string, message: string, more: More = {}): TraceResult {
  const [protocol = '', value = '0'] = message.split(' ');
  const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58 };
  const number = numbers[protocol] ?? Number(protocol);
  const icmp = protocol.startsWith('icmp');
  return trace(plant, [
    {
      source: address(source),
      destination: address(destination),
      protocol: number,
      value: Number(value) * (icmp ? 256 : 1),
      sourcePort: number === 6 || number === 17 ? 49_152 : 0,
      functionNumber: otherFunction,
      ...more,
    },
  ]);
}

const poll = 'flow poll { from clerk  to plc  allow tcp 502  owner "o"  reason "r" }';
const modbus = 'flow poll { from clerk  to plc  allow modbus read  accept-weaker ports "why"  owner "o"  reason "r" }';

describe('the nearest flow', () => {
  it.each<[what: string, flows: string, source: string, destination: string, message: string, told: string]>([
    ['one bit of the source', poll, '10.0.3.4', '10.0.9.11', 'tcp 502', 'poll: the source is office 10.0.3.4, one bit off clerk 10.0.3.5, which it allows'],
    ['a neighbour of the source', poll, '10.0.3.6', '10.0.9.11', 'tcp 502', 'poll: the source is office 10.0.3.6, next to clerk 10.0.3.5, which it allows'],
    [
      'a higher bit of the source',
      poll,
      '10.0.3.69',
      '10.0.9.11',
      'tcp 502',
      'poll: the source is office 10.0.3.69, one bit off clerk 10.0.3.5, which it allows',
    ],
    ['another source', poll, '10.0.3.200', '10.0.9.11', 'tcp 502', 'poll: the source is office 10.0.3.200; it allows only `clerk`'],
    ['another host as source', poll, '10.0.3.7', '10.0.9.11', 'tcp 502', 'poll: the source is boss 10.0.3.7, one bit off 10.0.3.5; it allows only `clerk`'],
    [
      'a bit of an IPv6 source',
      poll,
      '2001:db8:3::4',
      '2001:db8:9::11',
      'tcp 502',
      'poll: the source is office 2001:db8:3::4, one bit off clerk 2001:db8:3::5, which it allows',
    ],
    [
      'a family that the source lacks',
      'flow v4 { from boss  to plc  allow tcp 502 }',
      '2001:db8:3::4',
      '2001:db8:9::11',
      'tcp 502',
      'v4: the source is office 2001:db8:3::4; `boss` has no IPv6 address',
    ],
    [
      'a neighbour of a range',
      'flow f { from clerk  to 10.0.9.32-10.0.9.63  allow tcp 502 }',
      '10.0.3.5',
      '10.0.9.64',
      'tcp 502',
      'f: the destination is press 10.0.9.64, next to 10.0.9.63 of `10.0.9.32-10.0.9.63`, which it allows',
    ],
    ['the port by one', poll, '10.0.3.5', '10.0.9.11', 'tcp 503', 'poll: tcp 503 is one off 502, which it allows'],
    ['the port', poll, '10.0.3.5', '10.0.9.11', 'tcp 80', 'poll: this is tcp 80; it allows `tcp 502`'],
    ['the port of a named protocol', modbus, '10.0.3.5', '10.0.9.11', 'tcp 80', 'poll: this is tcp 80; it allows `modbus read` (tcp 502)'],
    ['the transport', poll, '10.0.3.5', '10.0.9.11', 'udp 502', 'poll: this is udp 502; it allows tcp 502'],
    ['transport and port', poll, '10.0.3.5', '10.0.9.11', 'udp 500', 'poll: this is udp 500; it allows tcp 502'],
    ['the protocol', poll, '10.0.3.5', '10.0.9.11', 'icmp 8', 'poll: this is icmp echo-request; it allows `tcp 502`'],
    [
      'the message of ICMP',
      'flow ping { from clerk  to plc  allow icmp echo-request }',
      '10.0.3.5',
      '10.0.9.11',
      'icmp 13',
      'ping: this is icmp timestamp-request; it allows `icmp echo-request`',
    ],
    ['a protocol without ports', poll, '10.0.3.5', '10.0.9.11', '47', 'poll: this is ip protocol 47; it allows `tcp 502`'],
    [
      'the day, by one',
      'flow old { from clerk  to plc  allow tcp 502  expires 2026-11-21 }',
      '10.0.3.5',
      '10.0.9.11',
      'tcp 502',
      'old: it expired yesterday (2026-11-21)',
    ],
    [
      'the day, by three',
      'flow old { from clerk  to plc  allow tcp 502  expires 2026-11-19 }',
      '10.0.3.5',
      '10.0.9.11',
      'tcp 502',
      'old: it expired 3 days ago (2026-11-19)',
    ],
    [
      'that it is disabled',
      'flow off { from clerk  to plc  allow tcp 502  disabled "till the audit" }',
      '10.0.3.5',
      '10.0.9.11',
      'tcp 502',
      'off: it is disabled: "till the audit"',
    ],
    ['the direction', poll, '10.0.9.11', '10.0.3.5', 'tcp 502', 'poll: it runs from `clerk` to `plc`: the other side must start the conversation'],
    [
      'two things',
      poll,
      '10.0.3.4',
      '10.0.9.11',
      'tcp 503',
      'poll: the source is office 10.0.3.4, one bit off clerk 10.0.3.5, which it allows; and tcp 503 is one off 502, which it allows',
    ],
    [
      'direction and port',
      poll,
      '10.0.9.11',
      '10.0.3.5',
      'tcp 503',
      'poll: it runs from `clerk` to `plc`: the other side must start the conversation; and tcp 503 is one off 502, which it allows',
    ],
  ])('says that %s differs', (_, flows, source, destination, message, expected) => {
    expect(told(ask(plantOf(flows), source, destination, message))).toBe(`deny by default | ${expected}`);
  });

  it('is none if three things differ', () => {
    expect(told(ask(plantOf(poll), '10.0.3.200', '10.0.9.200', 'tcp 80'))).toBe('deny by default');
    expect(told(ask(plantOf('flow old { from clerk  to plc  allow tcp 502  expires 2020-01-01 }'), '10.0.3.4', '10.0.9.11', 'tcp 503'))).toBe(
      'deny by default',
    );
  });

  it('is the one with the fewest differences, then the nearest, then the first by name', () => {
    const off = (flows: string): string => told(ask(plantOf(flows), '10.0.3.40', '10.0.9.11', 'tcp 502')).split(':')[0] ?? '';
    const from = (name: string, source: string, services = 'tcp 502'): string => `flow ${name} { from ${source}  to plc  allow ${services} }\n`;
    expect(off(from('far', '10.0.3.200') + from('both', '10.0.3.41', 'tcp 503'))).toBe('deny by default | far');
    expect(off(from('far', '10.0.3.200') + from('near', '10.0.3.44'))).toBe('deny by default | near');
    expect(off(from('port', '10.0.3.40', 'tcp 9000') + from('source', '10.0.3.41'))).toBe('deny by default | source');
    expect(off(from('port', '10.0.3.40', 'tcp 503') + from('source', '10.0.3.90'))).toBe('deny by default | port');
    expect(off(from('b', '10.0.3.41') + from('a', '10.0.3.41') + from('c', '10.0.3.41'))).toBe('deny by default | a');
    // Of two addresses of a flow the nearer one counts, and so does the nearer of two services.
    expect(off(from('b', '10.0.3.20, 10.0.3.250') + from('a', '10.0.3.90'))).toBe('deny by default | b');
    expect(told(ask(plantOf(from('two', 'clerk', 'tcp 80, udp 502')), '10.0.3.5', '10.0.9.11', 'tcp 502'))).toBe(
      'deny by default | two: this is tcp 502; it allows udp 502',
    );
  });

  it('knows an answer by its source port', () => {
    const result = ask(plantOf(poll), '10.0.9.11', '10.0.3.5', 'tcp 40000', { sourcePort: 502 });
    expect(told(result)).toBe(
      'deny by default | poll: it runs from `clerk` to `plc`: this looks like an answer, which passes only in a conversation that the gateway knows',
    );
    expect(result.nearest?.differences).toEqual([{ field: 'direction', got: '10.0.9.11 -> 10.0.3.5', allows: 'clerk -> plc' }]);
  });

  it('speaks of functions only where the gateway tells them apart', () => {
    const write = classMessages('modbus', 'write')[0]?.low ?? 0;
    const ports = plantOf('flow poll { from clerk  to plc  allow mms read  accept-weaker ports "why" }');
    const change = classMessages('mms', 'write')[0]?.low ?? 0;
    expect(told(ask(ports, '10.0.3.5', '10.0.9.11', 'tcp 102', { functionNumber: change }))).toBe('allow by poll');
    const pdu = plantOf('flow poll { from clerk  to plc  allow modbus read }', { target: 'inspector' });
    const denied = ask(pdu, '10.0.3.5', '10.0.9.11', 'tcp 502', { functionNumber: write });
    expect(told(denied)).toBe('deny by default | poll: this is modbus write-single-coil; it allows `modbus read`');
    expect(denied.nearest?.differences).toEqual([{ field: 'function', got: 'modbus write-single-coil', allows: 'modbus read' }]);
    expect(told(ask(pdu, '10.0.3.5', '10.0.9.11', 'tcp 502'))).toBe('deny by default | poll: every message of tcp 502 is asked for; it allows `modbus read`');
  });

  it('gives each difference with what it got and what the flow allows', () => {
    const fields = (flows: string, source: string, message: string): Nearest['differences'] | undefined =>
      ask(plantOf(flows), source, '10.0.9.11', message).nearest?.differences;
    expect(fields(poll, '10.0.3.4', 'tcp 503')).toEqual([
      { field: 'source', got: '10.0.3.4', allows: 'clerk' },
      { field: 'port', got: '503', allows: '502' },
    ]);
    expect(fields(poll, '10.0.3.5', 'udp 502')).toEqual([{ field: 'protocol', got: 'udp', allows: 'tcp' }]);
    expect(fields(poll, '10.0.3.5', 'icmp 8')).toEqual([
      { field: 'protocol', got: 'icmp', allows: 'tcp' },
      { field: 'message', got: 'icmp echo-request', allows: 'tcp 502' },
    ]);
    expect(fields('flow old { from clerk  to plc  allow tcp 502  expires 2026-11-21 }', '10.0.3.5', 'tcp 502')).toEqual([
      { field: 'expired', got: '2026-11-22', allows: '2026-11-21' },
    ]);
  });
});

describe('the gateway itself', () => {
  const own = 'manage from clerk allow ssh\n  send to plc allow ntp';
  it.each([
    ['10.0.3.5', '10.0.3.1', 'tcp 22', 'allow by manage from clerk allow ssh'],
    ['10.0.9.1', '10.0.9.11', 'udp 123', 'allow by send to plc allow ntp'],
    [
      '10.0.3.4',
      '10.0.3.1',
      'tcp 22',
      'deny by default | manage from clerk allow ssh: the source is office 10.0.3.4, one bit off clerk 10.0.3.5, which it allows',
    ],
    ['10.0.3.5', '10.0.3.1', 'tcp 80', 'deny by default | manage from clerk allow ssh: this is tcp 80; it allows `ssh` (tcp 22)'],
    [
      '10.0.3.5',
      '10.0.9.1',
      'tcp 22',
      'deny by default | manage from clerk allow ssh: the destination is gw 10.0.9.1; what comes in by eth0 reaches the gateway only at 10.0.3.1, 2001:db8:3::1',
    ],
    ['10.0.9.11', '10.0.9.1', 'udp 123', 'deny by default | send to plc allow ntp: it runs from `gw` to `plc`: `gw` must start the conversation'],
    [
      '10.0.3.1',
      '10.0.3.5',
      'tcp 22',
      'deny by default | manage from clerk allow ssh: it runs from `clerk` to `gw`: the other side must start the conversation',
    ],
    ['10.0.3.1', '10.0.9.1', 'tcp 22', 'allow by loopback'],
  ])('%s -> %s on %s', (source, destination, message, expected) => {
    expect(told(ask(plantOf(poll, { own }), source, destination, message))).toBe(expected);
  });

  it('at a dynamic address, which no address of another interface can be', () => {
    const more = `gateway far {
  target nftables
  interface c0 { faces cell  address dynamic }
  interface c1 { faces yard  address 10.0.6.1/24 }
  manage from cell allow ssh
}
zone yard { level 2  networks 10.0.6.0/24 }`;
    const plant = plantOf(poll, { more });
    expect(told(ask(plant, '10.0.7.9', '0.0.0.0', 'tcp 22', { gateway: 'far' }))).toBe('allow by manage from cell allow ssh');
    const input = { gateway: 'far', inInterface: 'c0' };
    expect(told(ask(plant, '10.0.7.9', '10.0.7.77', 'tcp 22', input))).toBe('allow by manage from cell allow ssh');
    const only =
      'deny by default | manage from cell allow ssh: the destination is far 10.0.6.1; what comes in by c0 reaches the gateway only at its dynamic address';
    expect(told(ask(plant, '10.0.7.9', '10.0.6.1', 'tcp 22', input))).toBe(only);
    expect(told(ask(plant, '10.0.7.9', '10.0.6.1', 'tcp 22'))).toBe(only);
    expect(told(ask(plant, '10.0.7.9', '10.0.6.255', 'tcp 22', input))).toBe('deny by default');
    expect(ask(plant, '10.0.3.9', '0.0.0.0', 'tcp 22', { gateway: 'far' })).toMatchObject({
      allowed: false,
      enforced: false,
      note: 'no dynamic interface of far faces the other end',
    });
  });
});

describe('a deny', () => {
  const deny = 'flow never { from office  to press  deny tcp 502 }';
  it('names the flows that allow it otherwise, expired ones left out', () => {
    const also = 'flow also { from office  to plc  allow tcp }\nflow gone { from clerk  to plc  allow tcp 502  expires 2020-01-01 }';
    const result = ask(plantOf(`${poll}\n${deny}\n${also}`), '10.0.3.5', '10.0.9.11', 'tcp 502');
    expect(told(result)).toBe('deny by never');
    expect(result.wouldAllow.map((flow) => flow.name)).toEqual(['also', 'poll']);
  });

  it('names none where none does', () => {
    expect(ask(plantOf(`${poll}\n${deny}`), '10.0.3.4', '10.0.9.11', 'tcp 502').wouldAllow).toEqual([]);
  });
});

describe('what no flow could lift', () => {
  const wire = (source: string, destination: string, more: More, plant = plantOf(poll)): [reason: string | undefined, wayOut: string | undefined] => {
    const { steps, nearest } = ask(plant, source, destination, 'tcp 502', { gateway: 'gw', ...more });
    expect(nearest).toBeUndefined();
    return [steps[0]?.verdict.reason.kind, steps[0]?.wayOut];
  };

  it.each<[source: string, destination: string, More, reason: string, wayOut: string]>([
    ['10.0.3.5', '10.0.9.11', { inInterface: 'eth1', outInterface: 'eth1' }, 'spoofed', '10.0.3.5 lies in zone office, which eth0 faces; it came in by eth1'],
    [
      '10.0.3.5',
      '10.0.9.11',
      { inInterface: 'wlan0', outInterface: 'eth1' },
      'spoofed',
      '10.0.3.5 lies in zone office, which eth0 faces; it came in by wlan0, which gw does not declare',
    ],
    [
      '10.0.7.5',
      '10.0.9.11',
      { inInterface: 'eth0', outInterface: 'eth1' },
      'spoofed',
      '10.0.7.5 lies in zone cell, which no interface of gw faces; it came in by eth0',
    ],
    ['8.8.8.8', '10.0.9.11', { inInterface: 'eth0', outInterface: 'eth1' }, 'spoofed', '8.8.8.8 lies in no zone'],
    [
      '10.0.3.1',
      '10.0.9.11',
      { inInterface: 'eth0', outInterface: 'eth1' },
      'spoofed',
      '10.0.3.1 is an address of gw itself, which no packet from outside may bear',
    ],
    ['169.254.1.1', '10.0.9.11', { inInterface: 'eth0', outInterface: 'eth1' }, 'spoofed', '169.254.1.1 is a link-local address, which belongs to no zone'],
    [
      '10.0.3.5',
      '10.0.9.11',
      { inInterface: 'eth0', outInterface: 'eth0' },
      'unrouted',
      '10.0.9.11 lies in zone press, which eth1 faces; it would go out by eth0',
    ],
    ['10.0.3.5', '8.8.8.8', { inInterface: 'eth0', outInterface: 'eth1' }, 'unrouted', '8.8.8.8 lies in no zone'],
    [
      '10.0.3.5',
      '10.0.9.1',
      { inInterface: 'eth0', outInterface: 'eth1' },
      'unrouted',
      '10.0.9.1 is an address of gw itself, where flows never reach: `manage` and `receive` open it',
    ],
    [
      '10.0.3.5',
      '10.0.9.255',
      { inInterface: 'eth0', outInterface: 'eth1' },
      'unrouted',
      '10.0.9.255 is the directed broadcast of a network of gw, which belongs to no zone',
    ],
    [
      '2001:db8:3::5',
      '2001:db8:9::',
      { inInterface: 'eth0', outInterface: 'eth1' },
      'unrouted',
      '2001:db8:9:: is the router anycast of a network of gw, which belongs to no zone',
    ],
    [
      '10.0.3.5',
      '224.0.0.1',
      { inInterface: 'eth0' },
      'default',
      '224.0.0.1 is a multicast address, which belongs to no zone: no flow reaches it; only what eth0 `runs` may open it',
    ],
  ])('%s -> %s by %j is %s', (source, destination, more, reason, wayOut) => {
    expect(wire(source, destination, more)).toEqual([reason, wayOut]);
  });

  it('says where a broadcast ends although no log line tells', () => {
    const result = ask(plantOf(poll), '10.0.3.5', '10.0.9.255', 'tcp 502');
    expect(result.steps).toMatchObject([
      {
        packet: { hook: 'input', inInterface: 'eth0' },
        wayOut: '10.0.9.255 is the directed broadcast of a network of gw, which belongs to no zone: no flow reaches it; only what eth0 `runs` may open it',
      },
    ]);
  });

  it('says that a shared wire gives nothing back', () => {
    const more =
      'gateway far { target nftables;  interface c0 { faces cell, dock  address 10.0.7.1/24  shared-wire "one switch" }  manage none "console" }\nzone dock { level 2  networks 10.0.8.0/24 }';
    const plant = plantOf(poll, { more });
    expect(wire('10.0.7.5', '10.0.8.5', { gateway: 'far', inInterface: 'c0', outInterface: 'c0' }, plant)).toEqual([
      'shared-wire',
      'c0 is a shared wire, so nothing goes back out of it: the two hosts reach each other without far',
    ]);
    expect(ask(plant, '10.0.7.5', '10.0.8.5', 'tcp 502')).toMatchObject({ allowed: true, enforced: false, note: 'zones cell and dock share interface far c0' });
  });

  it('says what a bad connection state leaves open', () => {
    const result = ask(plantOf(poll), '10.0.3.5', '10.0.9.11', 'tcp 502', { badState: true });
    expect(result.steps).toMatchObject([{ openPasses: true, wayOut: 'the conversation must be started anew, and both directions must pass this gateway' }]);
    expect(result.nearest).toMatchObject({ flow: { name: 'poll' }, differences: [{ field: 'state', got: 'invalid', allows: 'new' }] });
  });

  it('says why no gateway is asked', () => {
    const plant = plantOf(poll);
    expect(ask(plant, '10.0.3.5', '10.0.3.6', 'tcp 1')).toMatchObject({
      allowed: true,
      enforced: false,
      note: 'both lie in zone office, whose hosts talk freely',
      steps: [],
    });
    expect(ask(plant, '10.0.3.5', '10.0.7.6', 'tcp 1')).toMatchObject({
      allowed: false,
      enforced: false,
      note: 'no gateway joins zones office and cell',
      nearest: undefined,
    });
    expect(ask(plant, '10.0.3.5', '8.8.8.8', 'tcp 1')).toMatchObject({ allowed: false, enforced: false, note: '8.8.8.8 lies in no zone' });
    expect(ask(plant, 'fe80::1', '2001:db8:9::11', 'tcp 502')).toMatchObject({
      allowed: false,
      note: 'fe80::1 is a link-local address, which belongs to no zone',
      nearest: undefined,
    });
    // One digit too many: the flow that was meant is still named.
    expect(told(ask(plant, '10.0.33.5', '10.0.9.11', 'tcp 502'))).toBe('deny by  | poll: the source is 10.0.33.5; it allows only `clerk`');
  });
});

describe('a step', () => {
  it('carries the grade that its own gateway achieves, and whether that is weaker than written', () => {
    const graded = (target: string, source: string, protocol = 's7comm'): unknown[] => {
      const asks = `flow poll { from clerk  to plc  allow ${protocol} read  accept-weaker ports "why" }\nflow bare { from boss  to plc  allow tcp 22 }`;
      const plant = plantOf(asks, { target });
      const read = classMessages(protocol, 'read')[0]?.low ?? 0;
      return ask(plant, source, '10.0.9.11', source === '10.0.3.7' ? 'tcp 22' : 'tcp 102', { functionNumber: read }).steps.map(
        ({ decider, grade, widened }) => [decider?.name, grade, widened],
      );
    };
    expect(graded('nftables', '10.0.3.5', 'mms')).toEqual([['poll', 'ports', true]]);
    expect(graded('inspector', '10.0.3.5')).toEqual([['poll', 'pdu', false]]);
    expect(graded('inspector', '10.0.3.7')).toEqual([['bare', undefined, false]]);
  });

  it('says what becomes of an open conversation', () => {
    const open = (message: string, flows: string): unknown[] => ask(plantOf(flows), '10.0.3.5', '10.0.9.11', message).steps.map((step) => step.openPasses);
    expect(open('tcp 502', poll)).toEqual([true]);
    expect(open('tcp 503', poll)).toEqual([false]);
    expect(open('icmp 8', 'flow ping { from clerk  to plc  allow icmp echo-request }')).toEqual([true]);
    expect(open('tcp 502', 'flow slow { from clerk  to plc  allow tcp 502  rate 1/minute burst 1 }')).toEqual([true]);
  });

  it('stands for each gateway on the path, and all must accept', () => {
    const more = `gateway far {
  target nftables
  interface c0 { faces cell  address 10.0.7.1/24 }
  interface c1 { faces office, press  routed  address 10.0.6.1/24 }
  manage none "console"
}
zone lan { level 2  networks 10.0.5.0/24 }`;
    const joined = plantOf('flow up { from 10.0.7.5  to clerk  allow tcp 502 }', { more: more.replace('zone lan', 'zone unused') });
    expect(told(ask(joined, '10.0.7.5', '10.0.3.5', 'tcp 502'))).toBe('allow by up');
    const two = plantOf(poll, { more });
    const result = ask(two, '10.0.3.5', '10.0.9.11', 'tcp 502');
    expect(result.steps.map((step) => [step.gateway, step.packet.inInterface, step.packet.outInterface, step.verdict.accepted])).toEqual([
      ['far', 'c1', 'c1', true],
      ['gw', 'eth0', 'eth1', true],
    ]);
    expect(told(ask(two, '10.0.3.5', '10.0.9.11', 'tcp 503'))).toBe('deny by default, default | poll: tcp 503 is one off 502, which it allows');
  });

  it('answers several questions by the first that is denied', () => {
    const plant = plantOf('flow some { from office  to plc  allow tcp 502 }\nflow not { from boss  to any  deny tcp 502 }');
    const question = (source: string): TraceQuestion => {
      const base = { protocol: 6, value: 502, sourcePort: 1024, functionNumber: otherFunction };
      return { source: address(source), destination: address('10.0.9.11'), ...base };
    };
    const [first, second, third] = ['10.0.3.5', '10.0.3.7', '10.0.3.8'].map(question);
    if (first === undefined || second === undefined || third === undefined) throw new Error('three questions');
    expect(told(trace(plant, [first, second, third]))).toBe('deny by not');
    expect(told(trace(plant, [first, third]))).toBe('allow by some');
  });
});
