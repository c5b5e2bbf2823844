/** IP protocols that people and logs call by name (IANA, Protocol Numbers). */
export const protocolNames: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['icmp', 1],
  ['icmpv6', 58],
]);

/** Whether its packets have ports. */
export function ported(protocol: number): boolean {
  return protocol === 6 || protocol === 17;
}
