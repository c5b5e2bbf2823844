# The grammar of zone files, in pieces.
#
# The layout pass (src/syntax/layout.ts) cuts a file into heads, properties and statements and says of each word whether
# it is a keyword here ("to") or a name (%name); each piece ends in %end and is read by the rule named after its shape.
# Lists stay linked while they grow (build.more) and become arrays in the rule that closes them, which keeps a list of
# 50,000 addresses linear. A piece has exactly one reading.

@preprocessor esmodule
@lexer tokens
@{%
import * as build from '../build.ts';
%}

# -- heads ------------------------------------------------------------------------------------------------------------

titled_head    -> %keyword %string %end                                            {% build.titledHead %}
named_head     -> %keyword %name label %end                                        {% build.namedHead %}
host_head      -> %keyword %name label "in" %name %end                             {% build.hostHead %}
conduit_head   -> %keyword optional_name label %name ("->" | "<->") %name %end     {% build.conduitHead %}
target_head    -> %keyword %name %end                                              {% build.bareHead %}
interface_head -> %keyword (%name | %string) %end                                  {% build.interfaceHead %}
traffic_head   -> "manage" "none" %string %end                                     {% build.trafficNone %}
                | ("manage" | "receive") "from" selector "allow" services %end     {% build.trafficHead %}
                | ("send") "to" selector "allow" services %end                       {% build.trafficHead %}

label          -> null                                                             {% build.nothing %}
                | %string                                                          {% build.first %}
optional_name  -> null                                                             {% build.nothing %}
                | %name                                                            {% build.first %}

# -- properties -------------------------------------------------------------------------------------------------------

flag_property          -> %keyword %end                                            {% build.flagProperty %}
log_property           -> %keyword %end                                            {% build.flagProperty %}
                        | %keyword "denied" %end                                   {% build.logDenied %}
text_property          -> %keyword %string %end                                    {% build.textProperty %}
name_property          -> %keyword %name %end                                      {% build.wordProperty %}
number_property        -> %keyword %number %end                                    {% build.wordProperty %}
level_property         -> %keyword level_value %end                                {% build.wordProperty %}
date_property          -> %keyword %date %end                                      {% build.wordProperty %}
names_property         -> %keyword names %end                                      {% build.namesProperty %}
selector_property      -> %keyword selector %end                                   {% build.selectorProperty %}
services_property      -> %keyword services %end                                   {% build.servicesProperty %}
addresses_property     -> %keyword addresses %end                                  {% build.addressesProperty %}
rate_property          -> %keyword %rate %end                                      {% build.rateProperty %}
                        | %keyword %rate "burst" %number %end                      {% build.rateProperty %}
accept_weaker_property -> %keyword %name %string %end                              {% build.acceptWeaker %}

names          -> %name                                                            {% build.one %}
                | names "," %name                                                  {% build.more %}
addresses      -> ("dynamic" | "none")                                             {% build.oneOf %}
                | address_list                                                     {% build.first %}
address_list   -> (%address | %network)                                            {% build.oneOf %}
                | address_list "," (%address | %network)                           {% build.moreOf %}
level_value    -> (%number | %decimal)                                             {% build.only %}

# -- selectors --------------------------------------------------------------------------------------------------------

# An exception without braces ends its list: a comma behind it could mean two things.
selector        -> closed_items                                                    {% build.first %}
                 | open_item                                                       {% build.one %}
                 | closed_items "," open_item                                      {% build.more %}
closed_items    -> closed_item                                                     {% build.one %}
                 | closed_items "," closed_item                                    {% build.more %}
closed_item     -> selector_atom                                                   {% build.item %}
                 | selector_atom "except" selector_braces                          {% build.item %}
open_item       -> selector_atom "except" simple_selector                          {% build.item %}
selector_atom   -> simple_selector                                                 {% build.first %}
                 | selector_braces                                                 {% build.first %}
selector_braces -> "{" selector "}"                                                {% build.braces %}
simple_selector -> %name                                                           {% build.nameSelector %}
                 | %pattern                                                        {% build.patternSelector %}
                 | ("any" | "rest")                                                {% build.wordSelector %}
                 | %address                                                        {% build.addressSelector %}
                 | %network                                                        {% build.networkSelector %}
                 | %addressRange                                                   {% build.rangeSelector %}
                 | "level" ("<=" | "<" | "=" | ">=" | ">") level_value             {% build.levelSelector %}
                 | ("kind" | "trait" | "role") %name                               {% build.markSelector %}

# -- services ---------------------------------------------------------------------------------------------------------

services        -> closed_services                                                 {% build.first %}
                 | open_service                                                    {% build.one %}
                 | closed_services "," open_service                                {% build.more %}
closed_services -> closed_service                                                  {% build.one %}
                 | closed_services "," closed_service                              {% build.more %}
closed_service  -> service_atom                                                    {% build.item %}
                 | service_atom "except" service_braces                            {% build.item %}
open_service    -> service_atom "except" simple_service                            {% build.item %}
service_atom    -> simple_service                                                  {% build.first %}
                 | service_braces                                                  {% build.first %}
service_braces  -> "{" services "}"                                                {% build.braces %}
simple_service  -> "any"                                                           {% build.anyService %}
                 | transport                                                       {% build.transportService %}
                 | "ip" "protocol" %number                                         {% build.ipProtocol %}
                 | icmp                                                            {% build.icmpService %}
                 | icmp %name                                                      {% build.icmpMessage %}
                 | icmp "type" %number                                             {% build.icmpType %}
                 | icmp "type" %number "code" %number                              {% build.icmpType %}
                 | "ethertype" %hex                                                {% build.ethertype %}
                 | %name functions qualifiers transports passive                   {% build.namedService %}
icmp            -> ("icmp" | "icmpv6")                                             {% build.only %}

transport       -> ("tcp" | "udp")                                                 {% build.transport %}
                 | ("tcp" | "udp") port                                            {% build.transport %}
                 | ("tcp" | "udp") "{" ports "}"                                   {% build.transportBraces %}
port            -> %number                                                         {% build.port %}
                 | %portRange                                                      {% build.portRange %}
ports           -> port                                                            {% build.one %}
                 | ports "," port                                                  {% build.more %}

functions       -> null                                                            {% build.nothing %}
                 | function                                                        {% build.functionAlone %}
                 | "{" "}"                                                         {% build.functionsNone %}
                 | "{" function_list "}"                                           {% build.functionBraces %}
function_list   -> function                                                        {% build.one %}
                 | function_list "," function                                      {% build.more %}
function        -> %name                                                           {% build.functionClass %}
                 | "function" (%number | %hex)                                     {% build.functionCode %}
                 | ("stream" | "group") (%number | %hex) "function" (%number | %hex)   {% build.functionWithin %}
                 | %string                                                         {% build.functionName %}
qualifiers      -> null                                                            {% build.nothing %}
                 | qualifiers qualifier                                            {% build.another %}
qualifier       -> ("unit" | "address" | "stream" | "group" | "variation") (%number | %hex | %portRange)   {% build.qualifier %}
transports      -> null                                                            {% build.nothing %}
                 | "on" transport                                                  {% build.onTransport %}
                 | "on" "{" transport_list "}"                                     {% build.onBraces %}
transport_list  -> transport                                                       {% build.one %}
                 | transport_list "," transport                                    {% build.more %}
passive         -> null                                                            {% build.nothing %}
                 | "passive" port                                                  {% build.passive %}

# -- bodies of group, service, target, test and assert ------------------------------------------------------------------

members        -> selector %end                                                    {% build.list %}
               | %end                                                              {% build.emptyList %}
service_members -> services %end                                                   {% build.list %}
               | %end                                                              {% build.emptyList %}

option         -> %name option_value %end                                          {% build.option %}
option_value   -> option_single                                                    {% build.first %}
                | option_single "," option_items                                   {% build.optionBareList %}
option_single  -> (%number | %decimal | %hex)                                      {% build.optionNumber %}
                | %string                                                          {% build.optionString %}
                | (%name | %address | %network | %addressRange | %portRange | %date | %rate)   {% build.optionName %}
                | ("[" "]" | "{" "}")                                              {% build.optionEmpty %}
                | ("[" option_items "]" | "{" option_items "}")                    {% build.optionList %}
option_items   -> option_single                                                    {% build.one %}
                | option_items "," option_single                                   {% build.more %}

test_line_property -> ("allow" | "deny") selector "->" selector ":" services %end  {% build.testLine %}

assert_body    -> "never" selector "->" selector enforced %end                     {% build.neverAnything %}
                | "never" selector "->" selector ":" services enforced %end        {% build.never %}
                | "always" selector "->" selector ":" services enforced %end       {% build.always %}
                | selector "->" selector "only" "via" selector enforced %end       {% build.onlyVia %}
                | selector "->" selector "at" "least" %number ("hops" | "hop") enforced %end   {% build.hops %}
                | "every" "flow" from to "has" requirements enforced %end          {% build.everyFlow %}
enforced       -> null                                                             {% build.nothing %}
                | "where" "enforced"                                               {% build.first %}
from           -> null                                                             {% build.nothing %}
                | "from" selector                                                  {% build.second %}
to             -> null                                                             {% build.nothing %}
                | "to" selector                                                    {% build.second %}
requirements   -> alternatives                                                     {% build.one %}
                | requirements "," alternatives                                    {% build.more %}
alternatives   -> requirement                                                      {% build.one %}
                | alternatives "or" requirement                                    {% build.more %}
requirement    -> (%name | "inspect" | "expires")                                  {% build.requiredProperty %}
                | "expires" "within" %number ("days" | "day")                      {% build.requiredExpiry %}
                | "inspect" %name                                                  {% build.requiredGrade %}
