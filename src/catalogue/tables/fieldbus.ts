/** Fieldbuses on Ethernet and the redundancy protocols under them. */
import { operational, tcp, udp, type Protocol } from '../protocol.ts';

export const fieldbuses: readonly Protocol[] = [
  operational('profinet-cm', 'PROFINET context manager', {
    transports: [udp(34964)],
    sources: ['IANA'],
    notes: 'the application relation then uses ephemeral udp ports from 49152, which this name does not open',
  }),
  operational('profinet-rt-udp', 'PROFINET RT over UDP', {
    transports: [udp(34962), udp(34963)],
    sources: ['IANA', 'dissector pn_rt'],
    notes: 'rare; the unicast half only, multicast is not forwarded',
  }),
  operational('profinet-rt', 'PROFINET RT, IRT and DCP', {
    ethertypes: [0x8892],
    sources: ['dissector pn_rt'],
    notes: 'layer 2 only; DCP can rename and re-address devices',
  }),
  operational('ethercat', 'EtherCAT', { transports: [udp(34980), tcp(34980)], ethertypes: [0x88a4], sources: ['IANA', 'dissector ecatf'] }),
  operational('powerlink', 'Ethernet POWERLINK', { transports: [udp(3819)], ethertypes: [0x88ab], sources: ['IANA', 'dissector epl'] }),
  operational('sercos3', 'SERCOS III', { ethertypes: [0x88cd], sources: ['dissector siii'] }),
  operational('cclink-ie', 'CC-Link IE Field, Control and TSN', {
    ethertypes: [0x890f],
    sources: ['collected without a primary source'],
    verified: false,
    notes: 'ethertype not verified',
  }),
  operational('cclink-ie-basic', 'CC-Link IE Field Basic', { transports: [udp(61450), udp(61451)], sources: ['MELSERVO MR-J4-GF, user manual, page 23'] }),
  operational('ff-hse', 'Foundation Fieldbus HSE', { transports: [tcp(1089, 1091), udp(1089, 1091)], sources: ['IANA', 'dissector ff'] }),
  operational('ff-lr', 'Foundation Fieldbus HSE LAN redundancy', { transports: [udp(3622)], sources: ['IANA', 'dissector ff'] }),
  operational('hart-ip', 'HART-IP', {
    transports: [udp(5094), tcp(5094)],
    functions: ['read', 'write', 'control', 'diagnostics'],
    sources: ['IANA', 'dissector hart_ip'],
  }),
  operational('fl-net', 'FL-net (OPCN-2)', {
    transports: [udp(55000, 55003)],
    cast: 'multicast-or-broadcast',
    sources: ['ITI/ICS-Security-Tools:protocols/PORTS.md', 'Hitachi FL-net, user manual, page 240'],
    notes: 'fixed ports; subnet broadcast',
  }),
  operational('ge-egd', 'Ethernet Global Data', {
    transports: [udp(18246)],
    cast: 'multicast-or-broadcast',
    sources: ['dissector egd'],
    notes: 'producer and consumer by multicast or broadcast',
  }),
  operational('mrp', 'Media Redundancy Protocol (IEC 62439-2)', {
    ethertypes: [0x88e3],
    cast: 'multicast-or-broadcast',
    sources: ['dissector pn_mrp'],
    notes: 'layer 2 ring; blocking it breaks the redundancy',
  }),
  operational('prp-hsr', 'PRP and HSR (IEC 62439-3)', {
    ethertypes: [0x88fb, 0x892f],
    cast: 'multicast-or-broadcast',
    sources: ['dissector hsr/hsr_prp_supervision'],
  }),
  operational('dlr', 'Device Level Ring', { ethertypes: [0x80e1], cast: 'multicast-or-broadcast', sources: ['dissector dlr'] }),
];
