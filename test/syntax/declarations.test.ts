/** Source → tree for every kind of declaration, written by hand. */
import { describe, expect, test } from 'vitest';
import { declarations, parseText, properties } from './tree.ts';

const named = (name: string): unknown => ({ base: { kind: 'name', name } });
const selector = (...names: string[]): unknown => ({ items: names.map(named) });
const service = (name: string, more: object = {}): unknown => ({ base: { kind: 'named', name, qualifiers: [], ...more } });

describe('declarations', () => {
  test('policy and include', () => {
    expect(declarations('policy "Kumamoto fab, 12棟" {\n revision 7\n timezone "Asia/Tokyo"; traits a, b-c roles r\n}\ninclude "suppliers.zone"')).toEqual([
      {
        kind: 'policy',
        title: 'Kumamoto fab, 12棟',
        properties: [
          { kind: 'word', keyword: 'revision', value: '7' },
          { kind: 'text', keyword: 'timezone', value: 'Asia/Tokyo' },
          { kind: 'names', keyword: 'traits', values: ['a', 'b-c'] },
          { kind: 'names', keyword: 'roles', values: ['r'] },
        ],
      },
      { kind: 'include', path: 'suppliers.zone' },
    ]);
  });

  test('several properties of a zone on one line', () => {
    expect(declarations('zone office "HQ" { level 3.5  kind dmz  security-level 2  networks 10.0.0.0/16, 2001:db8:4::/48 label "x" }')).toEqual([
      {
        kind: 'zone',
        name: 'office',
        label: 'HQ',
        properties: [
          { kind: 'word', keyword: 'level', value: '3.5' },
          { kind: 'word', keyword: 'kind', value: 'dmz' },
          { kind: 'word', keyword: 'security-level', value: '2' },
          {
            kind: 'selector',
            keyword: 'networks',
            value: { items: [{ base: { kind: 'network', network: '10.0.0.0/16' } }, { base: { kind: 'network', network: '2001:db8:4::/48' } }] },
          },
          { kind: 'text', keyword: 'label', value: 'x' },
        ],
      },
    ]);
  });

  test('host', () => {
    expect(declarations('host h in dmz { address 10.0.0.1, 2001:db8::5 role jump-host traits legacy, unpatched asset "EQ" }')).toEqual([
      {
        kind: 'host',
        name: 'h',
        zone: 'dmz',
        properties: [
          { kind: 'addresses', keyword: 'address', values: ['10.0.0.1', '2001:db8::5'] },
          { kind: 'names', keyword: 'role', values: ['jump-host'] },
          { kind: 'names', keyword: 'traits', values: ['legacy', 'unpatched'] },
          { kind: 'text', keyword: 'asset', value: 'EQ' },
        ],
      },
    ]);
  });

  test('a long list of members has the members of its parts, and the mistakes of a short one', () => {
    const each = ['h0', '10.0.0.1', 'rest', 'cell_*', '10.0.0.0/24', '2001:db8::1'];
    const many = Array.from({ length: 300 }, (_, index) => each[index % each.length] ?? '');
    const members = (text: string): unknown => declarations(`group g { ${text} }`).map((one) => (one as { members: unknown }).members)[0];
    expect(members(many.join(', '))).toEqual(many.flatMap((one) => members(one)));
    expect(members(`${many.join(', ')}, a except { b, c }, d`)).toEqual([...many, 'a except { b, c }', 'd'].flatMap((one) => members(one)));
    for (const [wrong, span] of [
      [`${many.join(', ')},`, ','],
      [`${many.join(', ')} h1`, 'h1'],
      [`h1, , ${many.join(', ')}`, ','],
      [`h1 ${many.join(', ')}`, 'h0'],
    ] as const) {
      const { mistakes } = parseText(`group g { ${wrong} }`);
      const [short] = parseText(`group g { ${wrong.replace(many.join(', '), many.slice(0, 2).join(', '))} }`).mistakes;
      expect(mistakes).toHaveLength(1);
      expect(mistakes[0]?.slice(0, 6)).toBe(short?.slice(0, 6));
      expect(mistakes[0]).toContain(span);
    }
  });

  test('group and service lists go on over lines', () => {
    expect(declarations('group g { a,\n  b }\nservice s {\n  tcp 5010-5013,\n  udp 6000\n}\ngroup empty { }')).toEqual([
      { kind: 'group', name: 'g', members: [named('a'), named('b')] },
      {
        kind: 'service',
        name: 's',
        members: [
          { base: { kind: 'transport', transport: { protocol: 'tcp', ports: [{ first: '5010', last: '5013' }] } } },
          { base: { kind: 'transport', transport: { protocol: 'udp', ports: [{ first: '6000', last: '6000' }] } } },
        ],
      },
      { kind: 'group', name: 'empty', members: [] },
    ]);
  });

  test('every property of a flow', () => {
    const body =
      'from plcs  to time  allow ntp  owner "ot-net"  ticket "T"  reason "time"  log count essential  expires 2027-03-31  during night_shift  rate 10/second burst 20  inspect pdu  accept-weaker ports "why"  requests backward  disabled "off"  label "l"';
    expect(properties(body)).toEqual([
      { kind: 'selector', keyword: 'from', value: selector('plcs') },
      { kind: 'selector', keyword: 'to', value: selector('time') },
      { kind: 'services', keyword: 'allow', value: { items: [service('ntp')] } },
      { kind: 'text', keyword: 'owner', value: 'ot-net' },
      { kind: 'text', keyword: 'ticket', value: 'T' },
      { kind: 'text', keyword: 'reason', value: 'time' },
      { kind: 'flag', keyword: 'log' },
      { kind: 'flag', keyword: 'count' },
      { kind: 'flag', keyword: 'essential' },
      { kind: 'word', keyword: 'expires', value: '2027-03-31' },
      { kind: 'word', keyword: 'during', value: 'night_shift' },
      { kind: 'rate', keyword: 'rate', amount: '10', unit: 'second', burst: '20' },
      { kind: 'word', keyword: 'inspect', value: 'pdu' },
      { kind: 'accept-weaker', keyword: 'accept-weaker', grade: 'ports', why: 'why' },
      { kind: 'word', keyword: 'requests', value: 'backward' },
      { kind: 'text', keyword: 'disabled', value: 'off' },
      { kind: 'text', keyword: 'label', value: 'l' },
    ]);
  });

  test('conduits with and without name and label', () => {
    const heads = ['conduit c "C-03" a <-> b', 'conduit "Label only" a <-> b', 'conduit c a -> b', 'conduit a -> b'];
    expect(declarations(heads.map((head) => `${head} { }`).join('\n'))).toEqual([
      { kind: 'conduit', name: 'c', label: 'C-03', left: 'a', arrow: '<->', right: 'b', properties: [], flows: [] },
      { kind: 'conduit', label: 'Label only', left: 'a', arrow: '<->', right: 'b', properties: [], flows: [] },
      { kind: 'conduit', name: 'c', left: 'a', arrow: '->', right: 'b', properties: [], flows: [] },
      { kind: 'conduit', left: 'a', arrow: '->', right: 'b', properties: [], flows: [] },
    ]);
  });

  test('a conduit with log denied, log and flows', () => {
    expect(declarations('conduit a -> b {\n log denied log\n flow x "X" { from a }\n owner "o"\n flow y { }\n}')).toEqual([
      {
        kind: 'conduit',
        left: 'a',
        arrow: '->',
        right: 'b',
        properties: [
          { kind: 'log-denied', keyword: 'log' },
          { kind: 'flag', keyword: 'log' },
          { kind: 'text', keyword: 'owner', value: 'o' },
        ],
        flows: [
          { kind: 'flow', name: 'x', label: 'X', properties: [{ kind: 'selector', keyword: 'from', value: selector('a') }] },
          { kind: 'flow', name: 'y', properties: [] },
        ],
      },
    ]);
  });

  test('interfaces and targets of a gateway', () => {
    const text = `gateway gw "GW" {
      label "cabinet 3"
      target nftables { mark-mask 0xff00, 1; prefix "zw" hooks [ a, "b", [ 1 ] ] sets { x
        , y } net 10.0.0.0/8
        level info }
      target suricata
      interface eth0 { faces internet address dynamic runs dhcp-client, vrrp }
      interface "eth1.31" { faces a, b routed shared-wire "why" address 10.0.0.1/16 }
      interface tun0
      { address none }
    }`;
    expect(declarations(text)).toEqual([
      {
        kind: 'gateway',
        name: 'gw',
        label: 'GW',
        properties: [{ kind: 'text', keyword: 'label', value: 'cabinet 3' }],
        targets: [
          {
            name: 'nftables',
            options: [
              {
                name: 'mark-mask',
                value: {
                  kind: 'list',
                  items: [
                    { kind: 'number', value: '0xff00' },
                    { kind: 'number', value: '1' },
                  ],
                },
              },
              { name: 'prefix', value: { kind: 'string', value: 'zw' } },
              {
                name: 'hooks',
                value: {
                  kind: 'list',
                  items: [
                    { kind: 'name', value: 'a' },
                    { kind: 'string', value: 'b' },
                    { kind: 'list', items: [{ kind: 'number', value: '1' }] },
                  ],
                },
              },
              {
                name: 'sets',
                value: {
                  kind: 'list',
                  items: [
                    { kind: 'name', value: 'x' },
                    { kind: 'name', value: 'y' },
                  ],
                },
              },
              { name: 'net', value: { kind: 'name', value: '10.0.0.0/8' } },
              { name: 'level', value: { kind: 'name', value: 'info' } },
            ],
          },
          { name: 'suricata', options: [] },
        ],
        interfaces: [
          {
            name: 'eth0',
            properties: [
              { kind: 'selector', keyword: 'faces', value: selector('internet') },
              { kind: 'addresses', keyword: 'address', values: ['dynamic'] },
              { kind: 'names', keyword: 'runs', values: ['dhcp-client', 'vrrp'] },
            ],
          },
          {
            name: 'eth1.31',
            properties: [
              { kind: 'selector', keyword: 'faces', value: selector('a', 'b') },
              { kind: 'flag', keyword: 'routed' },
              { kind: 'text', keyword: 'shared-wire', value: 'why' },
              { kind: 'addresses', keyword: 'address', values: ['10.0.0.1/16'] },
            ],
          },
          { name: 'tun0', properties: [{ kind: 'addresses', keyword: 'address', values: ['none'] }] },
        ],
        traffic: [],
      },
    ]);
  });

  test("a gateway's own traffic", () => {
    const text = `gateway gw {
      manage none "console only"
      manage from a, b allow ssh, https { owner "x" log }
      receive from a allow modbus { read, function 3 } { reason "r" }
      receive from a allow s7comm { read } send to time allow ntp
      send to t allow { ntp,
        dns } {
        owner "y" }
      manage from a allow ssh { }
    }`;
    const read = { kind: 'class', name: 'read' };
    expect(declarations(text)).toEqual([
      {
        kind: 'gateway',
        name: 'gw',
        properties: [],
        targets: [],
        interfaces: [],
        traffic: [
          { kind: 'manage', none: 'console only', properties: [] },
          {
            kind: 'manage',
            peer: selector('a', 'b'),
            services: { items: [service('ssh'), service('https')] },
            properties: [
              { kind: 'text', keyword: 'owner', value: 'x' },
              { kind: 'flag', keyword: 'log' },
            ],
          },
          {
            kind: 'receive',
            peer: selector('a'),
            services: { items: [service('modbus', { functions: [read, { kind: 'code', code: '3' }] })] },
            properties: [{ kind: 'text', keyword: 'reason', value: 'r' }],
          },
          { kind: 'receive', peer: selector('a'), services: { items: [service('s7comm', { functions: [read] })] }, properties: [] },
          { kind: 'send', peer: selector('time'), services: { items: [service('ntp')] }, properties: [] },
          {
            kind: 'send',
            peer: selector('t'),
            services: { items: [{ base: { kind: 'braces', items: [service('ntp'), service('dns')] } }] },
            properties: [{ kind: 'text', keyword: 'owner', value: 'y' }],
          },
          { kind: 'manage', peer: selector('a'), services: { items: [service('ssh')] }, properties: [] },
        ],
      },
    ]);
  });

  test('asserts', () => {
    const bodies = [
      'never a -> b',
      'never a -> b : any except modbus read where enforced',
      'always a -> b : modbus',
      'a -> b only via kind dmz',
      'a -> b\n at least 2 hops\n where enforced',
      'every flow has owner',
      'every flow from a to b has owner, reason or ticket, expires within 400 days or essential, inspect pdu or inspect',
    ];
    const bodiesBare = declarations(bodies.map((body) => `assert a { ${body} }`).join('\n'));
    const [from, to] = [selector('a'), selector('b')];
    const property = (name: string): unknown => ({ kind: 'property', name });
    expect(bodiesBare).toEqual(
      [
        { body: { kind: 'never', from, to }, whereEnforced: false },
        {
          body: {
            kind: 'never',
            from,
            to,
            services: {
              items: [{ base: { kind: 'any' }, except: { kind: 'named', name: 'modbus', functions: [{ kind: 'class', name: 'read' }], qualifiers: [] } }],
            },
          },
          whereEnforced: true,
        },
        { body: { kind: 'always', from, to, services: { items: [service('modbus')] } }, whereEnforced: false },
        { body: { kind: 'only-via', from, to, via: { items: [{ base: { kind: 'zone-kind', value: 'dmz' } }] } }, whereEnforced: false },
        { body: { kind: 'hops', from, to, atLeast: '2' }, whereEnforced: true },
        { body: { kind: 'every-flow', requirements: [[property('owner')]] }, whereEnforced: false },
        {
          body: {
            kind: 'every-flow',
            from,
            to,
            requirements: [
              [property('owner')],
              [property('reason'), property('ticket')],
              [{ kind: 'expires-within', days: '400' }, property('essential')],
              [{ kind: 'inspect', grade: 'pdu' }, property('inspect')],
            ],
          },
          whereEnforced: false,
        },
      ].map((statement) => ({ kind: 'assert', name: 'a', ...statement })),
    );
  });

  test('tests, one line each or several on a line', () => {
    expect(declarations('test "t" {\n allow a -> 10.0.0.1 : modbus read\n deny a -> b : tcp 445  allow b -> a : any; deny a -> a : any\n}')).toMatchObject([
      {
        kind: 'test',
        title: 't',
        lines: [
          { expect: 'allow', from: selector('a'), to: { items: [{ base: { kind: 'address', address: '10.0.0.1' } }] } },
          { expect: 'deny' },
          { expect: 'allow' },
          { expect: 'deny' },
        ],
      },
    ]);
  });
});

describe('spans', () => {
  test('cover what was written, from keyword to brace', () => {
    const text = '  zone a { level 3.5\n networks 10.0.0.0/8 except 10.1.0.0/16 } # end';
    const { ast } = parseText(text);
    const [zone] = ast.declarations;
    const at = (span: { start: number; end: number } | undefined): string => text.slice(span?.start, span?.end);
    expect(at(zone?.span)).toBe('zone a { level 3.5\n networks 10.0.0.0/8 except 10.1.0.0/16 }');
    if (zone?.kind !== 'zone') throw new Error('no zone');
    expect(zone.properties.map((one) => [at(one.span), at(one.keyword.span)])).toEqual([
      ['level 3.5', 'level'],
      ['networks 10.0.0.0/8 except 10.1.0.0/16', 'networks'],
    ]);
  });

  test('split ranges and rates to their halves', () => {
    const text = 'flow f { from 10.0.0.1-10.0.0.9 allow tcp 80-90 rate 5/minute }';
    const { ast } = parseText(text);
    const words: string[] = [];
    const walk = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('text' in node && 'span' in node) {
        const { start, end } = node.span as { start: number; end: number };
        words.push(text.slice(start, end));
        expect(node.text).toBe(text.slice(start, end));
      } else for (const child of Object.values(node)) walk(child);
    };
    walk(ast.declarations);
    expect(words).toEqual(expect.arrayContaining(['10.0.0.1', '10.0.0.9', '80', '90', '5', 'minute']));
  });
});
