// Captures as files. Takes frames, gives the bytes of a pcap file that tcpreplay and Wireshark read, and reads such a file back. The
// idea: a batch of probes that surprised somebody can be handed to any other tool, and a second tool can witness for the harness.

const magic = 0xa1b2c3d4;
const ethernet = 1;

export function writePcap(frames: readonly Uint8Array[]): Uint8Array {
  const length = frames.reduce((sum, frame) => sum + 16 + frame.length, 24);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262144, true);
  view.setUint32(20, ethernet, true);
  let offset = 24;
  frames.forEach((frame, index) => {
    view.setUint32(offset, Math.floor(index / 1_000_000), true);
    view.setUint32(offset + 4, index % 1_000_000, true);
    view.setUint32(offset + 8, frame.length, true);
    view.setUint32(offset + 12, frame.length, true);
    bytes.set(frame, offset + 16);
    offset += 16 + frame.length;
  });
  return bytes;
}

export function readPcap(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24 || view.getUint32(0, true) !== magic || view.getUint32(20, true) !== ethernet) {
    throw new Error('not a little-endian pcap file of Ethernet frames');
  }
  const frames: Uint8Array[] = [];
  let offset = 24;
  while (offset + 16 <= bytes.length) {
    const length = view.getUint32(offset + 8, true);
    frames.push(bytes.slice(offset + 16, offset + 16 + length));
    offset += 16 + length;
  }
  return frames;
}
