/** Protocols of electrical substations, telecontrol and metering. */
import { allClasses, operational, tcp, udp, type Protocol } from '../protocol.ts';

export const energy: readonly Protocol[] = [
  operational('dnp3', 'DNP3', {
    transports: [tcp(20000), udp(20000)],
    functions: allClasses,
    serverMayDial: true,
    sources: ['IANA', 'dissector dnp3'],
    notes: 'an outstation may start unsolicited messages',
  }),
  operational('dnp3-tls', 'DNP3 over TLS', {
    transports: [tcp(19999), udp(19999)],
    sources: ['IANA', 'dissector tls'],
    notes: 'encrypted: functions cannot be seen',
  }),
  operational('iec104', 'IEC 60870-5-104', {
    transports: [tcp(2404)],
    functions: allClasses,
    sources: ['nmap iec-identify.nse', 'IANA', 'dissector iec60870_104'],
    notes: 'several messages in one segment are common',
  }),
  operational('iec104-tls', 'IEC 60870-5-104 over TLS (IEC 62351-3)', {
    transports: [tcp(19998)],
    sources: ['IANA'],
    notes: 'encrypted: functions cannot be seen',
  }),
  operational('mms', 'IEC 61850 MMS', {
    transports: [tcp(102)],
    functions: allClasses,
    sources: ['ntop/nDPI:src/lib/protocols/iso9506-1-mms.c', 'snort3 mms inspector', 'IANA', 'dissector tpkt'],
    notes: 'shares tcp 102 with s7comm, s7comm-plus and iccp; BER, no fixed offset',
  }),
  operational('mms-tls', 'IEC 61850 MMS over TLS (IEC 62351-3, -4)', {
    transports: [tcp(3782)],
    sources: ['IANA'],
    notes: 'encrypted: functions cannot be seen; registered as iso-tp0s',
  }),
  operational('goose', 'IEC 61850 GOOSE', {
    ethertypes: [0x88b8],
    cast: 'multicast-or-broadcast',
    sources: ['dissector goose'],
    notes: 'layer 2 multicast; never crosses a router',
  }),
  operational('sv', 'IEC 61850 Sampled Values', {
    ethertypes: [0x88ba],
    cast: 'multicast-or-broadcast',
    sources: ['dissector sv'],
    notes: 'layer 2 multicast; never crosses a router',
  }),
  operational('iccp', 'ICCP, TASE.2 (IEC 60870-6)', {
    transports: [tcp(102)],
    sources: ['IANA', 'dissector tpkt'],
    notes: 'shares tcp 102 with s7comm, s7comm-plus and mms; between control centres',
  }),
  operational('c37118', 'IEEE C37.118 synchrophasor', {
    transports: [tcp(4712), udp(4713)],
    sources: ['cisagov/icsnpp-synchrophasor:analyzer/main.zeek (quotes C37.118.2-2011 E.2)', 'dissector synphasor'],
  }),
  operational('c1222', 'ANSI C12.22 metering', { transports: [tcp(1153), udp(1153)], sources: ['IANA', 'dissector c1222'] }),
  operational('dlms', 'DLMS/COSEM', { transports: [tcp(4059), udp(4059)], sources: ['IANA'] }),
];
