/**
 * Functions of HSMS, and of SECS-II inside it.
 *
 * A message and its answer are one function: an answer to a request of the other side counts as that request.
 */
import { container, functionsOf, layer } from '../function.ts';

export const hsms = functionsOf('hsms', {}, [
  layer(
    { name: 'control', by: 'name', source: 'layout of SEMI E37 headers, not checked against the standard', verified: false },
    {
      session: [
        ['1', 'select-request'],
        ['2', 'select-response'],
        ['3', 'deselect-request'],
        ['4', 'deselect-response'],
        ['5', 'linktest-request'],
        ['6', 'linktest-response'],
        ['7', 'reject-request'],
        ['9', 'separate-request'],
      ],
    },
    [container('an envelope: its function is that of the message inside', [['0', 'data-message']])],
  ),
  layer(
    { name: 'data', by: 'stream', source: 'streams and functions of SEMI E5, from public manuals of equipment' },
    {
      session: [['S1F13, S1F14', 'establish-communications-request']],
      read: [
        ['S1F3, S1F4', 'selected-equipment-status-request'],
        ['S1F11, S1F12', 'status-variable-namelist-request'],
        ['S2F13, S2F14', 'equipment-constant-request'],
        ['S2F17, S2F18', 'date-and-time-request'],
        ['S2F23, S2F24', 'trace-initialize-send'],
        ['S2F29, S2F30', 'equipment-constant-namelist-request'],
        ['S5F1, S5F2', 'alarm-report'],
        ['S6F11, S6F12', 'event-report'],
        ['S7F19, S7F20', 'current-eppd-request'],
      ],
      diagnostics: [
        ['S1F1, S1F2', 'are-you-there'],
        ['S2F25, S2F26', 'loopback-diagnostic'],
      ],
      write: [
        ['S2F15, S2F16', 'new-equipment-constant-send'],
        ['S2F31, S2F32', 'date-and-time-set'],
        ['S2F33, S2F34', 'define-report'],
        ['S2F35, S2F36', 'link-event-report'],
        ['S2F37, S2F38', 'enable-disable-event-report'],
        ['S2F45, S2F46', 'define-variable-limits'],
        ['S5F3, S5F4', 'enable-disable-alarm'],
        ['S10F3, S10F4', 'terminal-display-single'],
      ],
      control: [
        ['S1F15, S1F16', 'request-offline'],
        ['S1F17, S1F18', 'request-online'],
        ['S2F21, S2F22', 'remote-command-send'],
        ['S2F41, S2F42', 'host-command-send'],
      ],
      program: [
        ['S7F3, S7F4', 'process-program-send'],
        ['S7F5, S7F6', 'process-program-request'],
        ['S7F17, S7F18', 'delete-process-program'],
        ['S7F23, S7F24', 'formatted-process-program-send'],
      ],
    },
  ),
]);
