/** Names of ICMP messages. */
import { describe, expect, test } from 'vitest';
import { icmpMessage, icmpMessages, icmpName } from '../../src/catalogue/icmp.ts';

describe('names of ICMP messages', () => {
  test('every name has one or two messages in range, of different families', () => {
    expect(icmpMessages.size).toBeGreaterThan(40);
    for (const [name, messages] of icmpMessages) {
      expect(name).toMatch(/^[a-z][a-z0-9-]*[a-z0-9]$/u);
      expect(messages.length === 1 || messages.length === 2).toBe(true);
      expect(new Set(messages.map((message) => message.family)).size).toBe(messages.length);
      for (const { type, code } of messages) {
        expect(type >= 0 && type <= 255).toBe(true);
        expect(code === undefined || (code >= 0 && code <= 255)).toBe(true);
      }
    }
  });

  test.each([
    ['echo-request', '4/8 6/128'],
    ['echo-reply', '4/0 6/129'],
    ['destination-unreachable', '4/3 6/1'],
    ['port-unreachable', '4/3/3 6/1/4'],
    ['fragmentation-needed', '4/3/4'],
    ['packet-too-big', '6/2'],
    ['time-exceeded', '4/11 6/3'],
    ['parameter-problem', '4/12 6/4'],
    ['timestamp-request', '4/13'],
    ['redirect', '4/5 6/137'],
    ['router-advertisement', '4/9 6/134'],
    ['neighbour-solicitation', '6/135'],
    ['neighbor-solicitation', '6/135'],
    ['neighbour-advertisement', '6/136'],
    ['multicast-listener-report-v2', '6/143'],
  ])('%s is %s', (name, expected) => {
    const text = (icmpMessage(name) ?? []).map(({ family, type, code }) => `${family}/${type}${code === undefined ? '' : `/${code}`}`);
    expect(text.join(' ')).toBe(expected);
  });

  test('an unknown name has none', () => {
    expect(icmpMessage('echo')).toBeUndefined();
  });

  test('a type and code lead back to a name', () => {
    expect(icmpName(4, 8, undefined)).toBe('echo-request');
    expect(icmpName(6, 128, 0)).toBe('echo-request');
    expect(icmpName(4, 3, 4)).toBe('fragmentation-needed');
    expect(icmpName(4, 3, 200)).toBe('destination-unreachable');
    expect(icmpName(6, 135, undefined)).toBe('neighbour-solicitation');
    expect(icmpName(4, 200, undefined)).toBeUndefined();
  });
});
