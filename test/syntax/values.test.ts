/** Source → tree for selectors and services, and which words are names. */
import { describe, expect, test } from 'vitest';
import { declarations, parseText, properties } from './tree.ts';

const value = (body: string): unknown => {
  const [property] = properties(body);
  if (typeof property !== 'object' || property === null || !('value' in property)) throw new Error('no value');
  const held = property.value;
  return typeof held === 'object' && held !== null && 'items' in held ? held.items : held;
};
const named = (name: string): unknown => ({ kind: 'name', name });

describe('selectors', () => {
  const cases: readonly [string, readonly unknown[]][] = [
    ['any', [{ base: { kind: 'any' } }]],
    ['rest', [{ base: { kind: 'rest' } }]],
    ['cell_*, *_press', [{ base: { kind: 'pattern', pattern: 'cell_*' } }, { base: { kind: 'pattern', pattern: '*_press' } }]],
    ['::, ::1, fe80::1', ['::', '::1', 'fe80::1'].map((address) => ({ base: { kind: 'address', address } }))],
    ['::ffff:1.2.3.4', [{ base: { kind: 'address', address: '::ffff:1.2.3.4' } }]],
    ['2001:db8::/32', [{ base: { kind: 'network', network: '2001:db8::/32' } }]],
    ['10.0.0.1-10.0.0.9', [{ base: { kind: 'range', first: '10.0.0.1', last: '10.0.0.9' } }]],
    ['fe80::1-fe80::9', [{ base: { kind: 'range', first: 'fe80::1', last: 'fe80::9' } }]],
    ['level <= 2', [{ base: { kind: 'level', operator: '<=', level: '2' } }]],
    ['level > 3.5, level = 1', [{ base: { kind: 'level', operator: '>', level: '3.5' } }, { base: { kind: 'level', operator: '=', level: '1' } }]],
    [
      'kind dmz, trait legacy, role hmi',
      [{ base: { kind: 'zone-kind', value: 'dmz' } }, { base: { kind: 'trait', value: 'legacy' } }, { base: { kind: 'role', value: 'hmi' } }],
    ],
    ['a except b', [{ base: named('a'), except: named('b') }]],
    ['a except { b, c }, d', [{ base: named('a'), except: { kind: 'braces', items: [{ base: named('b') }, { base: named('c') }] } }, { base: named('d') }]],
    ['a, b except c', [{ base: named('a') }, { base: named('b'), except: named('c') }]],
    [
      '{ a, { b } } except c',
      [{ base: { kind: 'braces', items: [{ base: named('a') }, { base: { kind: 'braces', items: [{ base: named('b') }] } }] }, except: named('c') }],
    ],
    ['a,\n  b', [{ base: named('a') }, { base: named('b') }]],
  ];
  test.each(cases)('%s', (text, items) => {
    expect(value(`from ${text}`)).toEqual(items);
  });
});

describe('services', () => {
  const call = (name: string, more: object = {}): unknown => ({ base: { kind: 'named', name, qualifiers: [], ...more } });
  const transport = (protocol: string, ...ports: string[]): object => ({
    protocol,
    ...(ports.length > 0 ? { ports: ports.map((port) => ({ first: port.split('-')[0], last: port.split('-').at(-1) })) } : {}),
  });
  const cases: readonly [string, readonly unknown[]][] = [
    ['any', [{ base: { kind: 'any' } }]],
    ['ntp, modbus', [call('ntp'), call('modbus')]],
    ['modbus read', [call('modbus', { functions: [{ kind: 'class', name: 'read' }] })]],
    ['modbus function 3', [call('modbus', { functions: [{ kind: 'code', code: '3' }] })]],
    ['modbus "Read Holding Registers"', [call('modbus', { functions: [{ kind: 'name', name: 'Read Holding Registers' }] })]],
    ['s7comm { read,\n  program,\n  control\n}', [call('s7comm', { functions: ['read', 'program', 'control'].map((name) => ({ kind: 'class', name })) })]],
    ['cip { function 0x52 }', [call('cip', { functions: [{ kind: 'code', code: '0x52' }] })]],
    ['cip { }', [call('cip', { functions: [] })]],
    [
      'modbus { function 3, function 4 } unit 1 address 100-199',
      [
        call('modbus', {
          functions: [
            { kind: 'code', code: '3' },
            { kind: 'code', code: '4' },
          ],
          qualifiers: [
            { keyword: 'unit', first: '1', last: '1' },
            { keyword: 'address', first: '100', last: '199' },
          ],
        }),
      ],
    ],
    ['hsms stream 2 function 41', [call('hsms', { functions: [{ kind: 'code', code: '41', within: { keyword: 'stream', first: '2', last: '2' } }] })]],
    [
      'hsms { stream 2 function 41, read, stream 7 function 0x03 } on tcp 5001',
      [
        call('hsms', {
          functions: [
            { kind: 'code', code: '41', within: { keyword: 'stream', first: '2', last: '2' } },
            { kind: 'class', name: 'read' },
            { kind: 'code', code: '0x03', within: { keyword: 'stream', first: '7', last: '7' } },
          ],
          on: [transport('tcp', '5001')],
        }),
      ],
    ],
    ['s7comm group 7 function 1', [call('s7comm', { functions: [{ kind: 'code', code: '1', within: { keyword: 'group', first: '7', last: '7' } }] })]],
    ['hsms function 41 stream 2', [call('hsms', { functions: [{ kind: 'code', code: '41' }], qualifiers: [{ keyword: 'stream', first: '2', last: '2' }] })]],
    ['hsms stream 2', [call('hsms', { qualifiers: [{ keyword: 'stream', first: '2', last: '2' }] })]],
    ['modbus on udp 502', [call('modbus', { on: [transport('udp', '502')] })]],
    ['hsms on tcp 5001-5016, ssh', [call('hsms', { on: [transport('tcp', '5001-5016')] }), call('ssh')]],
    ['hsms on { tcp 5001, udp 1 }', [call('hsms', { on: [transport('tcp', '5001'), transport('udp', '1')] })]],
    ['ftp passive 50000-50099', [call('ftp', { passive: { first: '50000', last: '50099' } })]],
    ['tcp', [{ base: { kind: 'transport', transport: transport('tcp') } }]],
    ['tcp { 80, 443, 8000-8100 }', [{ base: { kind: 'transport', transport: transport('tcp', '80', '443', '8000-8100') } }]],
    ['ip protocol 47', [{ base: { kind: 'ip-protocol', number: '47' } }]],
    ['icmp', [{ base: { kind: 'icmp', version: 'icmp' } }]],
    ['icmp echo-request', [{ base: { kind: 'icmp', version: 'icmp', message: 'echo-request' } }]],
    [
      'icmp type 13 code 0, icmpv6 type 135',
      [{ base: { kind: 'icmp', version: 'icmp', type: '13', code: '0' } }, { base: { kind: 'icmp', version: 'icmpv6', type: '135' } }],
    ],
    ['ethertype 0x88b8', [{ base: { kind: 'ethertype', number: '0x88b8' } }]],
    [
      'any except { modbus read, smb }',
      [
        {
          base: { kind: 'any' },
          except: { kind: 'braces', items: [call('modbus', { functions: [{ kind: 'class', name: 'read' }] }), call('smb')] },
        },
      ],
    ],
  ];
  test.each(cases)('%s', (text, items) => {
    expect(value(`allow ${text}`)).toEqual(items);
  });
});

describe('keywords as names', () => {
  const words = (body: string): readonly string[] => properties(body).map((one) => JSON.stringify(one).replace(/.*"keyword":"([\w-]+)".*/u, '$1'));

  test('of declarations', () => {
    const text = ['log', 'zone', 'flow', 'to', 'in', 'owner', 'never', 'on', 'has'].map((name) => `zone ${name} { level 1 }`).join('\n');
    expect(declarations(text)).toHaveLength(9);
    expect(declarations('host in in in { address 10.0.0.1 }')).toMatchObject([{ name: 'in', zone: 'in' }]);
    expect(declarations('conduit flow log -> count { flow flow { } }')).toMatchObject([
      { name: 'flow', left: 'log', right: 'count', flows: [{ name: 'flow' }] },
    ]);
    expect(declarations('gateway gateway { interface interface { faces faces address none } manage from allow allow allow }')).toHaveLength(1);
  });

  test('directly after from and to, and after a comma', () => {
    expect(words('from to to to from from allow allow log log')).toEqual(['from', 'to', 'from', 'allow', 'log', 'log']);
  });

  test('the first word of a value is never a keyword, the next one is', () => {
    expect(properties('from to to to')).toMatchObject([
      { keyword: 'from', value: { items: [{ base: named('to') }] } },
      { keyword: 'to', value: { items: [{ base: named('to') }] } },
    ]);
    expect(properties('from a, to, log to kind log log')).toMatchObject([
      { keyword: 'from', value: { items: [{ base: named('a') }, { base: named('to') }, { base: named('log') }] } },
      { keyword: 'to', value: { items: [{ base: { kind: 'zone-kind', value: 'log' } }] } },
      { keyword: 'log' },
    ]);
    expect(properties('allow log log allow count, owner owner "x"')).toMatchObject([
      { keyword: 'allow' },
      { keyword: 'log' },
      { keyword: 'allow' },
      { keyword: 'owner', value: 'x' },
    ]);
    expect(properties('from any except log log')).toMatchObject([{ value: { items: [{ except: named('log') }] } }, { keyword: 'log' }]);
  });

  test('in asserts and tests', () => {
    expect(declarations('assert a { never never -> always : always }')).toMatchObject([
      { body: { kind: 'never', from: { items: [{ base: named('never') }] }, to: { items: [{ base: named('always') }] } } },
    ]);
    expect(declarations('assert a { never -> only_one at least 1 hop }')).toMatchObject([
      { body: { kind: 'hops', from: { items: [{ base: named('never') }] } } },
    ]);
    expect(declarations('assert a { every flow from to to from has has }')).toMatchObject([
      { body: { kind: 'every-flow', from: { items: [{ base: named('to') }] }, to: { items: [{ base: named('from') }] }, requirements: [[{ name: 'has' }]] } },
    ]);
    expect(declarations('assert a { via -> where only via at where enforced }')).toMatchObject([
      { body: { kind: 'only-via', via: { items: [{ base: named('at') }] } }, whereEnforced: true },
    ]);
    expect(declarations('test "t" { allow allow -> deny : allow deny deny -> allow : deny }')).toMatchObject([
      { lines: [{ expect: 'allow' }, { expect: 'deny' }] },
    ]);
  });

  test.each(['any', 'none', 'rest', 'level', 'kind', 'trait', 'role', 'except', 'only', 'tcp', 'udp', 'ip', 'icmp', 'icmpv6', 'ethertype'])(
    'not %s',
    (name) => {
      expect(parseText(`zone ${name} { level 1 }`).mistakes).toEqual([`ZW1016 «${name}»`]);
    },
  );
});
