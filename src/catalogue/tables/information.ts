/** Protocols that carry plant data upward: OPC, semiconductor equipment, historians and message brokers. */
import { allClasses, general, operational, tcp, udp, type Protocol } from '../protocol.ts';

export const information: readonly Protocol[] = [
  operational('opcua', 'OPC UA Binary', {
    transports: [tcp(4840)],
    customary: [tcp(49320), tcp(62541)],
    functions: allClasses,
    serverMayDial: true,
    sources: ['IANA', 'dissector opcua'],
    notes: 'servers often use other ports, 49320 and 62541 among them; a Call hides anything',
  }),
  operational('opcua-tls', 'OPC UA over TLS', { transports: [tcp(4843)], sources: ['IANA'], notes: 'encrypted: functions cannot be seen' }),
  operational('opcua-pubsub', 'OPC UA PubSub (UADP)', {
    transports: [udp(4840)],
    ethertypes: [0xb62c],
    cast: 'multicast-or-broadcast',
    sources: ['IANA', 'OPC 10000-14'],
    verified: false,
    notes: 'ethertype not verified',
  }),
  operational('opc-classic', 'OPC Classic DA, HDA, A&E (DCOM)', {
    transports: [tcp(135)],
    customary: [tcp(49152, 65535)],
    dynamicPorts: { what: 'DCOM servers listen on ports that they choose at start, and call the client back', protocol: 'tcp', opens: 'both' },
    sources: ['PI Interface for OPC DA, user guide, page 1011952', 'IANA'],
    notes: 'callbacks open the reverse direction: give fixed ports or use a tunneller',
  }),
  operational('hsms', 'SECS/GEM over HSMS (SEMI E37)', {
    customary: [tcp(5000)],
    functions: allClasses,
    serverMayDial: true,
    sources: ["beginner's guide to SECS/GEM, part 3", 'WinCC OA documentation, SECS configuration', 'IANA'],
    verified: false,
    notes: 'no assigned port: a parameter of the installation, tcp 5000 is only a convention; either side may be the active one',
  }),
  operational('eda', 'SEMI EDA, Interface A (E134, E164)', {
    customary: [tcp(443)],
    sources: ['SEMI SNARF 6946', 'IANA'],
    verified: false,
    notes: 'no assigned port: HTTP or HTTP/2 on a port of the site',
  }),
  operational('pi-archive', 'PI Data Archive', {
    transports: [tcp(5450)],
    sources: ['ITI/ICS-Security-Tools:protocols/PORTS.md', 'PI Interface for OPC DA, user guide, page 1011952', 'IANA'],
    notes: 'the port is assigned to another name',
  }),
  general('mqtt', 'MQTT, Sparkplug B', { transports: [tcp(1883)], sources: ['IANA', 'dissector mqtt'], notes: 'clients connect outward to the broker' }),
  general('mqtts', 'MQTT over TLS', { transports: [tcp(8883)], sources: ['IANA', 'dissector tls'] }),
  general('amqp', 'AMQP', { transports: [tcp(5672)], sources: ['IANA', 'dissector amqp'] }),
  general('amqps', 'AMQP over TLS', { transports: [tcp(5671)], sources: ['IANA', 'dissector tls'] }),
  general('rtps', 'RTPS (DDS) discovery and user multicast, domain 0', {
    transports: [udp(7400), udp(7401)],
    cast: 'multicast-or-broadcast',
    sources: ['IANA'],
    notes: 'other domains and unicast: 7400 + 250 times the domain + an offset',
  }),
  general('coap', 'CoAP', { transports: [udp(5683)], sources: ['IANA', 'dissector coap'] }),
  general('coaps', 'CoAP over DTLS', { transports: [udp(5684)], sources: ['IANA', 'dissector dtls'] }),
];
