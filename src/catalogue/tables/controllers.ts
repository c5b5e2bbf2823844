/** Protocols of controllers, their engineering tools and distributed control systems. */
import { allClasses, operational, tcp, udp, type Protocol } from '../protocol.ts';

export const controllers: readonly Protocol[] = [
  operational('modbus', 'Modbus/TCP', {
    transports: [tcp(502)],
    customary: [udp(502)],
    functions: allClasses,
    sources: ['IANA', 'dissector mbtcp/mbudp'],
    notes: 'one message per segment in practice; udp 502 is not standard and must be asked for',
  }),
  operational('modbus-tls', 'Modbus/TCP Security', {
    transports: [tcp(802)],
    sources: ['IANA', 'dissector tls'],
    notes: 'encrypted: functions cannot be seen',
  }),
  operational('s7comm', 'Siemens S7comm (ISO-on-TCP)', {
    transports: [tcp(102)],
    functions: allClasses,
    sources: ['nmap s7-info.nse', 'Wireshark s7comm heuristic on COTP', 'IANA', 'dissector tpkt'],
    notes: 'shares tcp 102 with s7comm-plus, mms and iccp',
  }),
  operational('s7comm-plus', 'Siemens S7comm-plus', {
    transports: [tcp(102)],
    sources: ['snort3/snort3:src/service_inspectors/s7commplus', 'ntop/nDPI:src/lib/protocols/s7comm.c', 'IANA', 'dissector tpkt'],
    notes: 'shares tcp 102 with s7comm, mms and iccp; protocol id 0x72 at payload byte 7',
  }),
  operational('enip', 'EtherNet/IP encapsulation', {
    transports: [tcp(44818), udp(44818)],
    functions: ['diagnostics'],
    sources: ['IANA', 'dissector enip'],
    notes: 'the encapsulation that carries cip; udp serves List Identity',
  }),
  operational('cip', 'CIP explicit messaging over EtherNet/IP', {
    transports: [tcp(44818)],
    functions: allClasses,
    sources: ['IANA', 'dissector enip'],
    notes: 'rides on the tcp connection of enip; udp 44818 carries no explicit messages',
  }),
  operational('enip-io', 'EtherNet/IP implicit I/O', {
    transports: [udp(2222)],
    sources: ['IANA', 'dissector cipio'],
    notes: 'cyclic, latency sensitive; the unicast half only, multicast is not forwarded',
  }),
  operational('cip-security', 'CIP Security (EtherNet/IP over TLS and DTLS)', {
    transports: [tcp(2221), udp(2221)],
    sources: ['IANA', 'dissector dtls/tls'],
    notes: 'encrypted; rockwell-csp uses the same tcp port',
  }),
  operational('rockwell-csp', 'Rockwell CSPv4, PCCC over Ethernet', {
    transports: [tcp(2221), tcp(2222), tcp(2223)],
    sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'IANA'],
    notes: 'legacy PLC-5 and SLC; the ports are assigned to other names',
  }),
  operational('slmp', 'SLMP, MELSEC MC protocol (3E, 4E)', {
    customary: [tcp(5007), udp(5006), tcp(1025), tcp(4999, 5002)],
    functions: allClasses,
    sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'IANA'],
    notes: 'no assigned port: the ports are parameters of the station',
  }),
  operational('slmp-search', 'SLMP node search and address setting (iQSS)', {
    transports: [udp(45237), udp(5010)],
    cast: 'multicast-or-broadcast',
    sources: ['MELSERVO MR-J4-GF, user manual, page 23', 'IANA'],
    notes: 'searches by broadcast',
  }),
  operational('melsoft', 'MELSOFT engineering', {
    transports: [udp(5560), tcp(5562)],
    sources: ['ITI/ICS-Security-Tools:pcaps/MELSEC (observed)'],
    notes: 'header 0x57 or 0xd7, not SLMP',
  }),
  operational('fins', 'Omron FINS', {
    transports: [udp(9600), tcp(9600)],
    functions: allClasses,
    sources: ['nmap omron-info.nse', 'IANA', 'dissector omron'],
    notes: 'the ports are assigned to another name',
  }),
  operational('ge-srtp', 'GE SRTP', { transports: [tcp(18245)], sources: ['parsitects/icsnpp-ge-srtp:analyzer/ge_srtp.evt'] }),
  operational('roc-plus', 'ROC Plus', {
    transports: [tcp(4000), udp(4000)],
    sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'ITI/ICS-Security-Tools:protocols/PORTS.md', 'IANA'],
    notes: 'the ports are assigned to another name',
  }),
  operational('bsap', 'BSAP over IP', { transports: [udp(1234), udp(1235)], sources: ['IANA'], verified: false, notes: 'ports not verified' }),
  operational('crimson', 'Crimson v3', { transports: [tcp(789)], sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt'] }),
  operational('codesys-v3', 'CODESYS V3 runtime block driver', {
    transports: [tcp(11740, 11743), udp(1740, 1743)],
    sources: ['CODESYS FAQ, CODESYS Control', 'IANA'],
    notes: 'the udp ports are assigned to other names',
  }),
  operational('codesys-gateway', 'CODESYS gateway', {
    transports: [tcp(1217)],
    sources: ['CODESYS FAQ, CODESYS Control', 'IANA'],
    notes: 'the port is assigned to another name',
  }),
  operational('codesys-v2', 'CODESYS V2 and WAGO runtime', {
    transports: [tcp(2455), tcp(1200)],
    sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'IANA'],
    notes: 'tcp 1200 is assigned to another name',
  }),
  operational('pcworx', 'Phoenix Contact PC Worx', {
    transports: [tcp(1962)],
    sources: ['nmap pcworx-info.nse', 'cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'IANA'],
    notes: 'the port is assigned to another name',
  }),
  operational('proconos', 'ProConOS, MultiProg', { transports: [tcp(20547)], sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt'] }),
  operational('ads', 'ADS/AMS', { transports: [tcp(48898)], functions: ['read', 'write', 'control', 'diagnostics'], sources: ['dissector ams'] }),
  operational('ads-discovery', 'ADS discovery', {
    transports: [udp(48899)],
    sources: ['knowledge-base article on TwinCAT ADS error 1861', 'nmap-services 7.93: tc_ads_discovery'],
  }),
  operational('ads-secure', 'Secure ADS', { transports: [tcp(8016)], sources: ['IANA'], notes: 'encrypted: functions cannot be seen' }),
  operational('vnetip', 'Vnet/IP', { transports: [udp(5313)], sources: ['IANA'], verified: false, notes: 'port not verified; it is assigned to another name' }),
  operational('deltav', 'DeltaV ACN', {
    transports: [udp(18507), udp(18508)],
    sources: ['a public asset record with udp 18507 open'],
    verified: false,
    notes: 'ports not verified',
  }),
  operational('foxboro-api', 'Foxboro FoxAPI, AIMAPI', {
    transports: [tcp(55555), tcp(45678)],
    sources: ['ITI/ICS-Security-Tools:protocols/PORTS.md', 'cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'IANA'],
    notes: 'tcp 45678 is assigned to another name',
  }),
  operational('ls-fenet', 'XGT FEnet', {
    transports: [tcp(2004)],
    sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'IANA'],
    notes: 'the port is assigned to another name',
  }),
  operational('koyo-ecom', 'Koyo ECOM', { transports: [udp(28784)], sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt'] }),
  operational('keyence-kv', 'KV host link', {
    transports: [tcp(8501)],
    sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'IANA'],
    notes: 'the port is assigned to another name',
  }),
  operational('mewtocol', 'MEWTOCOL', { transports: [tcp(9094)], sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt'] }),
  operational('pcom', 'PCOM', { transports: [tcp(20256)], sources: ['cisagov/Malcolm:zeek/config/guess_ics_map.txt', 'dissector pcomtcp'] }),
];
