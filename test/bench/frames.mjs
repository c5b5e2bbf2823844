/**
 * Packets as bytes: Ethernet frames of the shortest length with right checksums, and classic pcap files of them.
 *
 * `frame({ from, to, family, source, destination, protocol, sport, port })` gives one: a TCP SYN, or a UDP datagram. `pcap(frames)`
 * gives the file.
 */

export function frame({ from, to, family, source, destination, protocol, sport, port }) {
  const transport = Buffer.alloc(protocol === 'tcp' ? 20 : 8 + (family === 4 ? 18 : 4));
  transport.writeUInt16BE(sport, 0);
  transport.writeUInt16BE(port, 2);
  if (protocol === 'tcp') {
    transport.writeUInt32BE(1, 4);
    transport[12] = 5 << 4;
    transport[13] = 2;
    transport.writeUInt16BE(64_240, 14);
  } else transport.writeUInt16BE(transport.length, 4);
  const number = protocol === 'tcp' ? 6 : 17;
  const [a, b] = family === 4 ? [bytes4(source), bytes4(destination)] : [bytes6(source), bytes6(destination)];
  const pseudo = Buffer.from([0, number, transport.length >> 8, transport.length & 255]);
  // A UDP sum of zero would mean "none".
  const sum = checksum(Buffer.concat([a, b, pseudo, transport])) || (protocol === 'udp' ? 0xffff : 0);
  transport.writeUInt16BE(sum, protocol === 'tcp' ? 16 : 6);
  let header;
  if (family === 4) {
    header = Buffer.from([0x45, 0, 0, 20 + transport.length, 0, 1, 0x40, 0, 64, number, 0, 0, ...a, ...b]);
    header.writeUInt16BE(checksum(header), 10);
  } else header = Buffer.from([0x60, 0, 0, 0, 0, transport.length, number, 64, ...a, ...b]);
  const whole = Buffer.concat([mac(to), mac(from), Buffer.from(family === 4 ? [0x08, 0x00] : [0x86, 0xdd]), header, transport]);
  return whole.length < 60 ? Buffer.concat([whole, Buffer.alloc(60 - whole.length)]) : whole;
}

export function pcap(frames) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(1, 20);
  const parts = frames.map((one, index) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(index, 4);
    record.writeUInt32LE(one.length, 8);
    record.writeUInt32LE(one.length, 12);
    return [record, one];
  });
  return Buffer.concat([head, ...parts.flat()]);
}

function checksum(bytes) {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) sum += (bytes[index] << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function mac(text) {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function bytes4(text) {
  return Buffer.from(text.split('.').map(Number));
}

function bytes6(text) {
  const [before, after] = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const groups = after === undefined ? before : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  const result = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) result.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return result;
}
