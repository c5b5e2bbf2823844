/**
 * Functions of S7comm, and of the ISO transport that it shares with MMS.
 *
 * A session opens with a connect request of the transport and a set-up of the communication; after these two, requests.
 */
import { functionsOf, layer } from '../function.ts';

export const cotp = functionsOf('cotp', {}, [
  layer(
    { name: 'connection', by: 'name', source: 'RFC 905, section 13' },
    {
      session: [
        ['0xe0', 'connect-request'],
        ['0x80', 'disconnect-request'],
      ],
    },
  ),
  layer(
    { name: 'data', by: 'name', source: 'RFC 905, section 13.7; s7comm captures of engineering stations, which send it after each message' },
    {
      session: [['0xf0', 'empty-data', { note: 'a piece of nothing: what follows it is the whole message' }]],
    },
  ),
]);

export const s7comm = functionsOf('s7comm', { carrier: 'cotp' }, [
  layer(
    { name: 'job', by: 'function', source: 'tshark 4.0.17 -G values: s7comm.param.func' },
    {
      session: [['0xf0', 'setup-communication']],
      read: [['0x04', 'read-variables', { also: 'Read Var' }]],
      diagnostics: [['0x00', 'cpu-services']],
      write: [['0x05', 'write-variables', { also: 'Write Var' }]],
      control: [
        ['0x28', 'other-pi-services', { also: 'PI-Service' }],
        ['0x29', 'plc-stop'],
      ],
      program: [
        ['0x1a', 'request-download'],
        ['0x1b', 'download-block'],
        ['0x1c', 'download-ended'],
        ['0x1d', 'start-upload', { note: 'reads the program out' }],
        ['0x1e', 'upload-block', { also: 'Upload', note: 'reads the program out' }],
        ['0x1f', 'end-upload', { note: 'reads the program out' }],
      ],
    },
  ),
  layer(
    { name: 'job', by: 'function', source: 'names of PI services in the s7comm dissector, at no fixed place', verified: false },
    {
      control: [['0x28 P_PROGRAM', 'pi-start-stop']],
      program: [['0x28 _INSE, 0x28 _DELE, 0x28 _MODU', 'pi-blocks']],
    },
  ),
  layer(
    { name: 'userdata', by: 'group', source: 'tshark 4.0.17 -G values: s7comm.param.userdata.funcgroup' },
    {
      read: [
        ['2', 'cyclic-services'],
        ['7/1, 7/3', 'read-clock'],
      ],
      diagnostics: [
        ['3', 'block-information'],
        ['4', 'cpu-functions'],
      ],
      write: [
        ['6', 'block-send-receive'],
        ['7/2, 7/4', 'set-clock'],
      ],
      control: [['0', 'mode-transition']],
      program: [
        ['1', 'programmer-commands'],
        ['5', 'plc-password'],
        ['15', 'nc-programming'],
      ],
    },
  ),
]);
