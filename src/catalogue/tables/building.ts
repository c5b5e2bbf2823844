/** Protocols of building automation. */
import { allClasses, operational, tcp, udp, type Protocol } from '../protocol.ts';

export const building: readonly Protocol[] = [
  operational('bacnet', 'BACnet/IP', {
    transports: [udp(47808)],
    customary: [udp(47809, 47823)],
    functions: allClasses,
    sources: ['nmap bacnet-info.nse', 'IANA', 'dissector bvlc'],
    notes: 'broadcasts cross routers only through a BBMD; neighbouring ports 47809-47823 are also in use',
  }),
  operational('bacnet-sc', 'BACnet/SC', {
    customary: [tcp(443), tcp(47808)],
    sources: ['IANA'],
    verified: false,
    notes: 'no assigned port: a secure web socket on a port of the site',
  }),
  operational('fox', 'Niagara Fox', {
    transports: [tcp(1911)],
    functions: ['read', 'program'],
    sources: ['nmap fox-info.nse', 'IANA'],
    notes: 'the port is assigned to another name',
  }),
  operational('foxs', 'Niagara Fox over TLS', { transports: [tcp(4911)], sources: ['nmap fox-info.nse'], notes: 'encrypted: functions cannot be seen' }),
  operational('lontalk-ip', 'LonTalk over IP (CEA-852)', { transports: [udp(1628), udp(1629), tcp(1628)], sources: ['IANA', 'dissector cnip'] }),
  operational('knx', 'KNXnet/IP', {
    transports: [udp(3671), tcp(3671)],
    sources: ['nmap knx-gateway-info.nse', 'IANA', 'dissector kip'],
    notes: 'tunnelling; routing by multicast is not forwarded. Registered as e Field Control',
  }),
  operational('metasys-n1', 'Metasys N1', { transports: [udp(11001)], sources: ['ITI/ICS-Security-Tools:protocols/PORTS.md', 'IANA'] }),
];
