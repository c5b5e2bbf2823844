// The pure parts of the harness: addresses, packets as bytes, stamps, pcap files. Needs no kernel.

import { describe, expect, it } from 'vitest';
import { addressBytes, addressText, lastAddress, prefixOf } from './address.ts';
import { encodePacket, ethernetFrame, groupMac, onesSum, type Packet } from './frames.ts';
import { readPcap, writePcap } from './pcap.ts';
import { sameEnds, stampOf, stampPacket, summarize } from './stamp.ts';

const udp = { kind: 'udp', sourcePort: 4000, destinationPort: 53, payload: new Uint8Array(40).fill(9) } as const;
const v4: Packet = { source: '10.0.1.5', destination: '10.0.2.7', transport: udp };
const v6: Packet = { source: '2001:db8:1::5', destination: '2001:db8:2::7', transport: udp };

function only(packet: Packet): Uint8Array {
  const [bytes, more] = encodePacket(packet);
  if (bytes === undefined || more !== undefined) throw new Error('not one packet');
  return bytes;
}

describe('addresses', () => {
  it.each(['10.0.1.255', '::', '::1', '2001:db8::7', 'fe80::5a:57ff:fe00:1', '1:0:2::', '2001:db8:0:1:1:1:1:1'])('%s survives', (text) => {
    expect(addressText(addressBytes(text))).toBe(text);
  });
  it.each(['10.0.1', '10.0.1.256', '1::2::3', '12345::', 'x'])('%s is refused', (text) => {
    expect(() => addressBytes(text)).toThrow('not an');
  });
  it('knows the last address of a prefix', () => {
    expect(addressText(lastAddress(prefixOf('10.0.4.1/22')))).toBe('10.0.7.255');
    expect(addressText(lastAddress(prefixOf('10.0.4.129/25')))).toBe('10.0.4.255');
  });
});

describe('packets', () => {
  it('have a header checksum that sums to all ones, also with a stamp', () => {
    const bytes = only({ ...v4, options: Uint8Array.from([148, 4, 0, 0]) });
    expect(onesSum(bytes.subarray(0, 24))).toBe(0xffff);
    stampPacket(bytes, 54321);
    expect(onesSum(bytes.subarray(0, 24))).toBe(0xffff);
    expect(stampOf(bytes)).toBe(54321);
  });
  it('keep the right checksum above the header when stamped, in IPv6', () => {
    const bytes = only(v6);
    stampPacket(bytes, 4242);
    expect(stampOf(bytes)).toBe(4242);
    const pseudo = onesSum(Uint8Array.from([...bytes.slice(8, 40), 0, 17, 0, 48]));
    expect(onesSum(bytes.subarray(40), pseudo)).toBe(0xffff);
  });
  it('split into fragments that share a stamp and cover the whole', () => {
    for (const packet of [v4, v6]) {
      const fragments = encodePacket({ ...packet, fragments: 3 });
      expect(fragments).toHaveLength(3);
      for (const fragment of fragments) stampPacket(fragment, 7);
      expect(fragments.map(stampOf)).toEqual([7, 7, 7]);
      const header = packet === v4 ? 20 : 48;
      expect(fragments.reduce((sum, fragment) => sum + fragment.length - header, 0)).toBe(48);
    }
  });
  it('are summarised behind extension headers', () => {
    const bytes = only({
      ...v6,
      extensions: [{ kind: 'hop-by-hop' }, { kind: 'routing', type: 0, segmentsLeft: 0 }, { kind: 'fragment' }, { kind: 'destination' }],
    });
    expect(summarize(bytes)).toMatchObject({ family: 6, source: '2001:db8:1::5', protocol: 17, first: 4000, second: 53 });
  });
  it('are told from their answers', () => {
    const answer = only({ source: v4.destination, destination: v4.source, transport: udp });
    expect(sameEnds(only(v4), only({ ...v4, hopLimit: 3 }))).toBe(true);
    expect(sameEnds(only(v4), answer)).toBe(false);
    expect(sameEnds(only(v4), only(v6))).toBe(false);
  });
  it('refuse two families and unknown flags', () => {
    expect(() => encodePacket({ ...v4, destination: '::1' })).toThrow('two families');
    expect(() => encodePacket({ ...v4, transport: { kind: 'tcp', sourcePort: 1, destinationPort: 2, flags: 'X' } })).toThrow('not a TCP flag');
  });
  it('find the group address of Ethernet', () => {
    expect(groupMac(addressBytes('239.129.1.2'))).toEqual(Uint8Array.from([1, 0, 0x5e, 1, 1, 2]));
    expect(groupMac(addressBytes('ff02::1:2'))).toEqual(Uint8Array.from([0x33, 0x33, 0, 1, 0, 2]));
    expect(groupMac(addressBytes('10.0.0.1'))).toBeUndefined();
  });
});

it('pcap files survive', () => {
  const frames = [only(v4), only(v6)].map((packet) => ethernetFrame(packet, new Uint8Array(6), new Uint8Array(6).fill(255)));
  expect(readPcap(writePcap(frames))).toEqual(frames);
});
