/**
 * What the rules have to know of each protocol that Suricata parses: one row a protocol.
 *
 * The one idea: a parser knows some codes by name and takes all others for one, so a row says which, and what shows that it took something else
 * for a message. Which functions a flow may rely on is said by `src/catalogue/parsers.ts`; both were tried code by code (see the README).
 */
export interface EngineParser {
  /** Its name in the catalogue, in rules and in settings. */
  readonly protocol: string;
  readonly title: string;
  /** The keyword that asks for the function of a message, up to the code. */
  readonly functionIs: string;
  /** The keyword that asks for the unit of a message, up to its number; and what stands between that and the code, where both are asked. */
  readonly unitIs: string;
  readonly andFunctionIs: string;
  /** Codes that it knows by name. */
  readonly known: readonly number[];
  /** All others are one to it, and any of them stands for all. */
  readonly unknown: number;
  /** Events by which it says that something is no message, and what that is. */
  readonly events: readonly (readonly [event: string, what: string])[];
}

const modbus: EngineParser = {
  protocol: 'modbus',
  title: 'Modbus',
  functionIs: 'modbus:function',
  unitIs: 'modbus:unit',
  andFunctionIs: ', function',
  known: [...Array.from({ length: 24 }, (_, index) => index + 1), 43],
  unknown: 127,
  events: [
    ['invalid_protocol_id', 'another protocol identifier'],
    ['invalid_length', 'a length that does not fit the function'],
    ['invalid_function_code', 'the function code of an answer, or 0'],
    ['flooded', 'more requests without answers than are looked into'],
  ],
};

export const engineParsers: ReadonlyMap<string, EngineParser> = new Map([modbus].map((one) => [one.protocol, one]));
