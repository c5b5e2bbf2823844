/**
 * Functions of BACnet/IP and Niagara Fox.
 *
 * BACnet has no session messages: each datagram stands alone. Confirmed and unconfirmed services have numbers of their own, so a number
 * that both use names neither.
 */
import { container, functionsOf, layer, outside } from '../function.ts';

export const bacnet = functionsOf('bacnet', {}, [
  layer(
    { name: 'confirmed', by: 'function', source: 'tshark 4.0.17 -G values: bacapp.confirmed_service' },
    {
      read: [
        ['1', 'confirmed-covnotification'],
        ['2', 'confirmed-event-notification'],
        ['3', 'get-alarm-summary'],
        ['4', 'get-enrollment-summary'],
        ['5', 'subscribe-cov'],
        ['6', 'atomic-read-file'],
        ['12', 'read-property'],
        ['13', 'read-property-conditional'],
        ['14', 'read-property-multiple'],
        ['26', 'read-range'],
        ['28', 'subscribe-covproperty'],
        ['29', 'get-event-information'],
        ['30', 'subscribe-cov-property-multiple'],
        ['31', 'confirmed-cov-notification-multiple'],
        ['32', 'confirmed-audit-notification'],
        ['33', 'audit-log-query'],
      ],
      diagnostics: [
        ['19', 'confirmed-text-message'],
        ['24', 'authenticate'],
        ['25', 'request-key'],
      ],
      write: [
        ['0', 'acknowledge-alarm'],
        ['7', 'atomic-write-file'],
        ['8', 'add-list-element'],
        ['9', 'remove-list-element'],
        ['15', 'write-property'],
        ['16', 'write-property-multiple'],
      ],
      control: [
        ['17', 'device-communication-control'],
        ['20', 'reinitialize-device'],
        ['27', 'life-safety-operation'],
      ],
      program: [
        ['10', 'create-object'],
        ['11', 'delete-object'],
        ['21', 'vt-open', { note: 'a terminal of the device' }],
        ['22', 'vt-close', { note: 'a terminal of the device' }],
        ['23', 'vt-data', { note: 'a terminal of the device' }],
      ],
    },
    [outside('defined by each vendor: it may do anything', [['18', 'confirmed-private-transfer']])],
  ),
  layer(
    { name: 'unconfirmed', by: 'function', source: 'tshark 4.0.17 -G values: bacapp.unconfirmed_service' },
    {
      read: [
        ['0', 'i-am'],
        ['1', 'i-have'],
        ['2', 'unconfirmed-covnotification'],
        ['3', 'unconfirmed-event-notification'],
        ['7', 'who-has'],
        ['8', 'who-is'],
        ['11', 'unconfirmed-cov-notification-multiple'],
        ['12', 'unconfirmed-audit-notification'],
        ['13', 'who-am-i'],
      ],
      diagnostics: [['5', 'unconfirmed-text-message']],
      write: [
        ['6', 'time-synchronization'],
        ['9', 'utc-time-synchronization'],
        ['10', 'write-group'],
        ['14', 'you-are'],
      ],
    },
    [outside('defined by each vendor: it may do anything', [['4', 'unconfirmed-private-transfer']])],
  ),
  layer(
    { name: 'link', by: 'name', source: 'tshark 4.0.17 -G values: bvlc.function' },
    {
      read: [
        ['0x02', 'read-broadcast-distribution-table'],
        ['0x06', 'read-foreign-device-table'],
      ],
      write: [
        ['0x01', 'write-broadcast-distribution-table'],
        ['0x05', 'register-foreign-device'],
        ['0x08', 'delete-foreign-device-table-entry'],
      ],
    },
    [
      outside('an answer: it counts as its request', [
        ['0x00', 'bvlc-result'],
        ['0x03', 'read-broadcast-distribution-table-ack'],
        ['0x07', 'read-foreign-device-table-ack'],
      ]),
      container('an envelope: its function is that of the message inside', [
        ['0x04', 'forwarded-npdu'],
        ['0x09', 'distribute-broadcast-to-network'],
        ['0x0a', 'original-unicast-npdu'],
        ['0x0b', 'original-broadcast-npdu'],
      ]),
      outside('what is inside is encrypted', [['0x0c', 'secured-bvll']]),
    ],
  ),
]);

export const fox = functionsOf('fox', {}, [
  layer(
    { name: 'verb', by: 'name', source: 'fox_iti.pcap; nmap fox-info.nse', verified: false },
    {
      session: [
        ['hello', 'hello'],
        ['challenge, login, rejected', 'log-in'],
      ],
      read: [['sub, read', 'channel-read', { note: 'no public table of codes' }]],
      program: [['station, file, provisioning', 'channel-station', { note: 'no public table of codes' }]],
    },
  ),
]);
