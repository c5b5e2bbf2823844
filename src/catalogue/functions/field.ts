/**
 * Functions of HART-IP and ADS.
 *
 * HART-IP opens and closes sessions of its own; ADS has none.
 */
import { container, functionsOf, layer, outside } from '../function.ts';

export const hartIp = functionsOf('hart-ip', {}, [
  layer(
    { name: 'message', by: 'name', source: 'tshark 4.0.17 -G values: hart_ip.message_id' },
    {
      session: [
        ['0', 'session-initiate'],
        ['1', 'session-close'],
        ['2', 'keep-alive'],
      ],
    },
    [container('an envelope: its function is that of the command inside', [['3', 'pass-through']])],
  ),
  layer(
    { name: 'command', by: 'function', source: 'common numbering of HART commands; 0, 1, 2, 3, 7, 8, 9 and 13 agree with a public list', verified: false },
    {
      read: [
        ['0', 'read-unique-identifier'],
        ['1', 'read-primary-variable'],
        ['2', 'read-loop-current-and-range'],
        ['3', 'read-dynamic-variables-and-loop-current'],
        ['7', 'read-loop-configuration'],
        ['8', 'read-dynamic-variable-classification'],
        ['9', 'read-device-variables-with-status'],
        ['11', 'read-unique-identifier-by-tag'],
        ['12', 'read-message'],
        ['13', 'read-tag-descriptor-date'],
        ['14', 'read-primary-variable-transducer-info'],
        ['15', 'read-primary-variable-range-device-info'],
        ['16', 'read-final-assembly-number'],
        ['20', 'read-long-tag'],
        ['33', 'read-device-variables'],
      ],
      diagnostics: [['48', 'read-additional-device-status']],
      write: [
        ['6', 'write-polling-address'],
        ['17', 'write-message'],
        ['18', 'write-tag-descriptor-date'],
        ['19', 'write-final-assembly-number'],
        ['22', 'write-long-tag'],
        ['35', 'write-primary-variable-range-values'],
        ['44', 'write-primary-variable-units'],
        ['45', 'trim-loop-current-zero'],
        ['46', 'trim-loop-current-gain'],
        ['79', 'write-device-variable'],
      ],
      control: [
        ['38', 'reset-configuration-changed-flag'],
        ['40', 'enter-exit-fixed-current-mode'],
        ['41', 'perform-self-test'],
        ['42', 'perform-device-reset'],
      ],
    },
  ),
]);

export const ads = functionsOf('ads', {}, [
  layer(
    { name: 'command', by: 'function', source: 'tshark 4.0.17 -G values: ams.cmdid' },
    {
      read: [
        ['2', 'read-values'],
        ['4', 'read-state'],
        ['6', 'add-device-notification'],
        ['7', 'delete-device-notification'],
      ],
      diagnostics: [['1', 'read-device-info']],
      write: [
        ['3', 'write-values'],
        ['9', 'read-write'],
      ],
      control: [['5', 'write-control']],
    },
    [
      outside('no command of the protocol', [['0', 'invalid']]),
      outside('the server sends it, once asked by add-device-notification', [['8', 'device-notification']]),
    ],
  ),
]);
