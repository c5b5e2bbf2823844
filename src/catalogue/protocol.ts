/**
 * What the catalogue says of a protocol.
 *
 * The one idea: a name opens exactly its standard transports. Where the ports are a matter of the site, `transports`
 * is empty and the zone file must say `on`; where further ports are agreed inside the session, `dynamicPorts` is set
 * and the zone file must fix them. `customary` ports are for suggestions only and are never opened by a name.
 */
export type TransportProtocol = 'tcp' | 'udp';

/** Destination ports, both ends included. */
export interface TransportPorts {
  readonly protocol: TransportProtocol;
  readonly first: number;
  readonly last: number;
}

/** Classes of functions that a zone file may name. Session messages are not among them: they come along. */
export const allClasses = ['read', 'write', 'control', 'program', 'diagnostics'] as const;
export type FunctionClass = (typeof allClasses)[number];

/** Whether a protocol can live on unicast at all. */
export type Cast = 'unicast' | 'multicast-or-broadcast';

/** Ports that the two sides agree on while they talk; without fixed ones the protocol is refused. */
export interface DynamicPorts {
  /** One lower-case sentence for the diagnostic. */
  readonly what: string;
  readonly protocol: TransportProtocol;
  /** Who starts the second conversation: the client (`forward`), the server (`reverse`), or either. */
  readonly opens: 'forward' | 'reverse' | 'both';
}

export interface Protocol {
  /** As written in a zone file. */
  readonly name: string;
  readonly title: string;
  /** Standard transports; empty where none is assigned or the protocol has no ports. */
  readonly transports: readonly TransportPorts[];
  /** Ports often seen besides the standard ones, for suggestions. */
  readonly customary: readonly TransportPorts[];
  readonly ipProtocols: readonly number[];
  readonly ethertypes: readonly number[];
  /** Names of ICMP messages (`icmp.ts`). */
  readonly icmp: readonly string[];
  /** Whether it is a protocol of operational technology: `inspect` floors bind it. */
  readonly ot: boolean;
  readonly cast: Cast;
  readonly dynamicPorts: DynamicPorts | undefined;
  /** The classes that have functions; empty where functions cannot be seen or are not known. */
  readonly functions: readonly FunctionClass[];
  /** Whether a server, too, may open the conversation in which it is then asked. */
  readonly serverMayDial: boolean;
  readonly sources: readonly string[];
  /** False where no primary source confirms the ports or ethertypes. */
  readonly verified: boolean;
  /** One line, empty where there is nothing to say. */
  readonly notes: string;
}

type Facts = Partial<Omit<Protocol, 'name' | 'title' | 'ot'>> & Pick<Protocol, 'sources'>;

function protocol(name: string, title: string, ot: boolean, facts: Facts): Protocol {
  const row: Protocol = {
    name,
    title,
    transports: [],
    customary: [],
    ipProtocols: [],
    ethertypes: [],
    icmp: [],
    ot,
    cast: 'unicast',
    dynamicPorts: undefined,
    functions: [],
    serverMayDial: false,
    verified: true,
    notes: '',
    ...facts,
  };
  for (const value of Object.values(row)) if (typeof value === 'object') Object.freeze(value);
  return Object.freeze(row);
}

/** A row of operational technology. */
export function operational(name: string, title: string, facts: Facts): Protocol {
  return protocol(name, title, true, facts);
}

/** A row of general networking. */
export function general(name: string, title: string, facts: Facts): Protocol {
  return protocol(name, title, false, facts);
}

export function tcp(first: number, last: number = first): TransportPorts {
  return Object.freeze({ protocol: 'tcp', first, last });
}

export function udp(first: number, last: number = first): TransportPorts {
  return Object.freeze({ protocol: 'udp', first, last });
}
