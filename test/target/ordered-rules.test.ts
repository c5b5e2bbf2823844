/** Ordered rules: denies first, families apart, sides under their own names, and nothing that is empty. */
import { describe, expect, it } from 'vitest';
import { type AddressRange, formatRange } from '../../src/net/address.ts';
import { forwardPairs, inputRules, type OrderedRule, outputRules, type RuleSide } from '../../src/target/ordered-rules.ts';
import { compileText, judgeOf } from '../generators/compile.ts';

const text = `policy "p" {}
zone office { networks 10.0.0.0/16, 2001:db8:4::/48 }
zone press { networks 192.168.10.0/24 }
zone labs { networks 192.168.11.0/24 }
host plc_1 in press { address 192.168.10.11 }
host plc_2 in press { address 192.168.10.12 }
group plcs { plc_1, plc_2 }
group one_of_them { plc_1 }
service recipes { tcp 5010-5013 }
flow b_recipes { from office to plcs allow recipes }
flow a_web { from 10.0.1.0/24 to plc_1 allow tcp 80 }
flow z_no { from office to press, labs deny tcp 80 }
gateway g {
  target nftables
  interface eth0 { faces office  address 10.0.0.1/16, 2001:db8:4::1/48 }
  interface eth1 { faces press  address 192.168.10.1/24  shared-wire "one switch" }
  interface eth2 { faces press, labs  address dynamic }
  manage from office allow ssh
  send to plc_1 allow ntp
}
`;

function words(rule: OrderedRule): string {
  const side = (one: RuleSide | undefined): string =>
    one === undefined
      ? 'asked'
      : `${one.whole ? 'whole ' : ''}${one.declared?.name ?? ''}(${one.ranges.map((range) => formatRange({ family: rule.family, ...range } as AddressRange)).join(' ')})`;
  const { entry, family, source, destination, service } = rule;
  return `${entry.effect} ${entry.origin.name} v${family} ${side(source)} > ${side(destination)}${service === undefined ? '' : ` ${service}`}`;
}

const { policy } = judgeOf(compileText(text));

describe('ordered rules', () => {
  const pairs = forwardPairs(policy);
  const pair = (from: string, to: string): (typeof pairs)[number] | undefined => pairs.find((one) => one.from.name === from && one.to.name === to);

  it('exist for every ordered pair of interfaces, also back out of one', () => {
    expect(pairs.map(({ from, to }) => `${from.name} ${to.name}`)).toEqual(
      ['eth0', 'eth1', 'eth2'].flatMap((from) => ['eth0', 'eth1', 'eth2'].map((to) => `${from} ${to}`)),
    );
    expect(pairs.filter(({ closed }) => closed).map(({ from }) => from.name)).toEqual(['eth1']);
  });

  it('have denies first, one family each, and the narrowest declared name of a side', () => {
    // The gateway's own address and its broadcast are no part of a zone.
    expect(pair('eth0', 'eth1')?.rules.map(words)).toEqual([
      'deny z_no v4 whole office(10.0.0.0 10.0.0.2-10.0.255.254) > whole press(192.168.10.0 192.168.10.2-192.168.10.254)',
      'allow a_web v4 (10.0.1.0/24) > plc_1(192.168.10.11)',
      'allow b_recipes v4 whole office(10.0.0.0 10.0.0.2-10.0.255.254) > plcs(192.168.10.11-192.168.10.12) recipes',
    ]);
    expect(pair('eth1', 'eth0')?.rules).toEqual([]);
    // Two zones behind one interface: the whole side is both, and has no name.
    expect(pair('eth0', 'eth2')?.rules[0]?.destination).toMatchObject({ whole: true, declared: undefined });
  });

  it('leave the end that only the platform knows to it', () => {
    const [face, , asked] = policy.interfaces;
    if (face === undefined || asked === undefined) throw new Error('no interfaces');
    expect(inputRules(policy, face).map(words)).toEqual([
      'allow manage from office allow ssh v4 whole office(10.0.0.0 10.0.0.2-10.0.255.254) > (10.0.0.1)',
      'allow manage from office allow ssh v6 whole office(2001:db8:4::2-2001:db8:4:ffff:ffff:ffff:ffff:ffff) > (2001:db8:4::1)',
    ]);
    expect(inputRules(policy, asked)).toEqual([]);
    expect(outputRules(policy, asked).map(words)).toEqual(['allow send to plc_1 allow ntp v4 asked > plc_1(192.168.10.11)']);
  });
});
