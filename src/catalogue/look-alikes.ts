/**
 * Protocols whose whole messages can be those of another one, byte for byte.
 *
 * The header of Modbus says little: a transaction of any number, two zeros, a length. So there are 24 bytes that are a list-identity of EtherNet/IP and
 * a write of coils. The one idea: between these two no gateway that looks at single packets can tell who is spoken to, so one port never has both. The
 * table is worked out from the frames by `test/catalogue/look-alikes.test.ts`.
 */
import type { TransportProtocol } from './protocol.ts';

interface LookAlike {
  readonly protocols: readonly [string, string];
  readonly transports: readonly TransportProtocol[];
}

export const lookAlikes: readonly LookAlike[] = [
  { protocols: ['modbus', 'enip'], transports: ['tcp', 'udp'] },
  { protocols: ['modbus', 'hart-ip'], transports: ['tcp', 'udp'] },
  { protocols: ['modbus', 'slmp'], transports: ['tcp', 'udp'] },
  // Over TCP the frames of FINS begin with its name.
  { protocols: ['modbus', 'fins'], transports: ['udp'] },
];

/** Those whose messages on a transport may be messages of this one. */
export function lookAlikesOf(protocol: string, transport: TransportProtocol): readonly string[] {
  return lookAlikes
    .filter((one) => one.protocols.includes(protocol) && one.transports.includes(transport))
    .flatMap((one) => one.protocols.filter((other) => other !== protocol));
}
