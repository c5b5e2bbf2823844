/**
 * Functions of Modbus.
 *
 * Modbus has no session messages: a conversation is requests and answers, and the first request may write.
 */
import { container, functionsOf, layer } from '../function.ts';

export const modbus = functionsOf('modbus', {}, [
  layer(
    { name: 'request', by: 'function', source: 'tshark 4.0.17 -G values: modbus.func_code' },
    {
      read: [
        ['1', 'read-coils'],
        ['2', 'read-discrete-inputs'],
        ['3', 'read-holding-registers'],
        ['4', 'read-input-registers'],
        ['20', 'read-file-record'],
        ['24', 'read-fifo-queue'],
      ],
      diagnostics: [
        ['7', 'read-exception-status'],
        ['8', 'other-diagnostics', { also: 'Diagnostics' }],
        ['11', 'get-event-counter', { also: 'Get Comm. Event Counters' }],
        ['12', 'get-event-log', { also: 'Get Comm. Event Log' }],
        ['17', 'report-server-id', { also: 'Report Slave ID' }],
      ],
      write: [
        ['5', 'write-single-coil'],
        ['6', 'write-single-register'],
        ['15', 'write-multiple-coils'],
        ['16', 'write-multiple-registers'],
        ['21', 'write-file-record'],
        ['22', 'mask-write-register'],
        ['23', 'read-write-registers', { also: 'Read Write Register' }],
      ],
      program: [['90', 'umas']],
    },
    [
      container('its other interface types carry requests of other systems, CANopen writes among them', [
        ['43', 'other-encapsulated-interface', { also: 'Encapsulated Interface Transport' }],
      ]),
    ],
  ),
  layer(
    { name: 'request', by: 'function', source: 'Modbus Application Protocol V1.1b3' },
    {
      read: [['43/14', 'read-device-identification']],
      diagnostics: [['8/10', 'clear-diagnostic-counters']],
      control: [
        ['8/1', 'restart-communications'],
        ['8/4', 'force-listen-only-mode'],
      ],
    },
  ),
  layer(
    { name: 'request', by: 'function', source: 'zeek/zeek:scripts/base/protocols/modbus/consts.zeek' },
    {
      diagnostics: [
        ['10', 'poll-484'],
        ['14', 'poll-584'],
        ['91', 'object-messaging'],
        ['127', 'report-local-address'],
      ],
      control: [['19', 'reset-comm-link']],
      program: [
        ['9', 'program-484'],
        ['13', 'program-584'],
        ['18', 'program-884'],
        ['40', 'program-concept'],
        ['125', 'firmware-replacement'],
        ['126', 'program-584-second'],
      ],
    },
    [container('it carries other requests: what it does is what they do', [['41', 'multiple-functions', { also: 'Multiple function codes' }]])],
  ),
  layer(
    { name: 'request', by: 'function', source: 'Hirschmann EAGLE, manual, page 161' },
    {
      program: [['42', 'program-42']],
    },
  ),
  layer(
    { name: 'request', by: 'function', source: 'public reverse engineering of UMAS', verified: false },
    {
      program: [['90/0x40, 90/0x41', 'umas-start-stop']],
    },
  ),
]);
