/**
 * The layouts of messages against real traffic.
 *
 * What a packet is was told by tshark 4.0.17 (`-T fields` of the dissectors' function fields, counted); the table below says that, in the
 * catalogue's names, and where the frames differ, why. Captures are not part of the project: without them this is skipped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { carriedIn, classified } from './captures.ts';

const folder = fileURLToPath(new URL('../../../shared/data/pcaps/', import.meta.url));

/** Functions that share a code are told by that code alone. */
const pi = 'other-pi-services, pi-start-stop, pi-blocks';
const umas = 'umas, umas-start-stop';

const captures: readonly (readonly [file: string, protocol: string, port: number, counts: Readonly<Record<string, number>>, why?: string])[] = [
  [
    'ads_ndpi.pcapng',
    'ads',
    48898,
    { 'read-device-info': 4, 'read-values': 5, 'read-state': 3, 'add-device-notification': 2, 'delete-device-notification': 1, 'read-write': 7 },
  ],
  [
    'bacnet_iti.pcap',
    'bacnet',
    47808,
    { 'read-property': 18, 'bvlc-result': 2, 'read-broadcast-distribution-table': 1, 'register-foreign-device': 1 },
    'half of the eighteen are answers: both ends have the port',
  ],
  [
    'bacnet_ndpi.pcap',
    'bacnet',
    47808,
    { 'read-property': 9, 'i-am': 5, 'who-is': 6, 'not recognised': 3 },
    'two are messages between routers, one is an error: none has a function',
  ],
  ['dnp3_cold_restart_iti.pcap', 'dnp3', 20000, { 'cold-restart': 1 }],
  [
    'dnp3_file_write_zeek.pcap',
    'dnp3',
    20000,
    { 'open-file': 1, 'close-file': 1, 'not recognised': 4 },
    'a write of a file takes four frames of the link: the first has the function, the others none',
  ],
  ['dnp3_select_operate_zeek.pcap', 'dnp3', 20000, { select: 1, operate: 1 }],
  ['dnp3_udp_read_zeek.pcap', 'dnp3', 20000, { 'read-objects': 1, 'link-status': 3 }],
  ['enip_ndpi.pcap', 'enip', 44818, { 'not recognised': 31 }, 'envelopes: send-rr-data and send-unit-data'],
  ['cip_multiple1_iti.pcap', 'enip', 44818, { 'not recognised': 1 }, 'an envelope'],
  ['cip_start_plc_iti.pcap', 'enip', 44818, { 'not recognised': 1 }, 'an envelope'],
  ['fins_iti.pcap', 'fins', 9600, { 'node-address': 1, 'controller-data-read': 2 }],
  [
    'hartip_ndpi.pcap',
    'hart-ip',
    5094,
    {
      'session-initiate': 2,
      'session-close': 1,
      'keep-alive': 1,
      'read-unique-identifier': 1,
      'read-primary-variable': 1,
      'read-message': 1,
      'read-tag-descriptor-date': 1,
      'read-loop-current-and-range': 1,
      'read-long-tag': 1,
      'read-dynamic-variables-and-loop-current': 1,
      'read-additional-device-status': 1,
      'read-device-variables-with-status': 1,
    },
  ],
  ['mms_ndpi.pcap', 's7comm', 102, { 'connect-request': 1, 'not recognised': 5 }, 'MMS is no S7comm'],
  [
    'modbus_and_nonmodbus_p502_zeek.pcap',
    'modbus',
    502,
    { 'read-coils': 2, 'read-holding-registers': 1, 'write-single-coil': 2, 'write-single-register': 1, 'not recognised': 6 },
    'RPC, TLS, HTTP and others',
  ],
  ['modbus_iti_test.pcap', 'modbus', 502, { 'read-input-registers': 1079, 'write-single-register': 61, 'not recognised': 1 }, 'packet 69 holds two writes'],
  ['modbus_small_zeek.pcap', 'modbus', 502, { 'read-coils': 8, 'write-multiple-coils': 8 }],
  ['modicon_umas_iti.pcap', 'modbus', 502, { [umas]: 90 }],
  [
    's7_download_db1_iti.pcap',
    's7comm',
    102,
    {
      'connect-request': 3,
      'setup-communication': 3,
      'empty-data': 24,
      'block-information': 8,
      'cpu-functions': 7,
      'request-download': 1,
      'download-block': 3,
      'download-ended': 1,
      [pi]: 1,
    },
    'the blocks and the end are answers to what the controller asks',
  ],
  ['s7_read_plc_status_iti.pcap', 's7comm', 102, { 'connect-request': 1, 'setup-communication': 1, 'empty-data': 72, 'cpu-functions': 70, 'read-clock': 1 }],
  ['s7_readwrite_libnodave_iti.pcap', 's7comm', 102, { 'connect-request': 1, 'setup-communication': 1, 'read-variables': 3, 'write-variables': 4 }],
];

describe('messages of captures', () => {
  const here = captures.filter(([file]) => existsSync(`${folder}${file}`));
  if (here.length < captures.length) console.warn(`messages of captures: ${captures.length - here.length} captures are not in ${folder}`);

  it('are what tshark says, where the captures are at hand', () => {
    for (const [file, protocol, port, counts, why] of here)
      expect(found(file, protocol, port), `${file}${why === undefined ? '' : `: ${why}`}`).toEqual(counts);
  });
});

/** How many messages to a port have which functions. */
function found(file: string, protocol: string, port: number): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  const asked = carriedIn(readFileSync(`${folder}${file}`)).filter((one) => one.destination === port && one.payload.length > 0);
  for (const { transport, payload } of asked) {
    const names = classified(protocol, transport, payload).map((one) => one.name);
    const name = names.length === 0 ? 'not recognised' : names.join(', ');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
