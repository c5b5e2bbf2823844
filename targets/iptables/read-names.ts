/**
 * Names that iptables-save and ipset save print in the place of numbers.
 *
 * Protocols are those of Debian 12's /etc/protocols and of iptables itself; the messages are what `ipset save` 7.17 printed for each of
 * the 65,536 numbers.
 */

/** Undefined for what is neither a name nor a number from 0 to 255; `all` is 0. */
export function protocolNumber(text: string): number | undefined {
  if (/^\d{1,3}$/u.test(text)) return Number(text) <= 255 ? Number(text) : undefined;
  return protocols.get(text.toLowerCase());
}

/** Type × 256 + code of `8/0` or a name; undefined for anything else. */
export function messageNumber(protocol: number, text: string): number | undefined {
  const numbers = /^(\d{1,3})\/(\d{1,3})$/u.exec(text);
  if (numbers === null) return (protocol === 1 ? messages : messages6).get(text);
  const type = Number(numbers[1]);
  const code = Number(numbers[2]);
  return type <= 255 && code <= 255 ? type * 256 + code : undefined;
}

function table(text: string): ReadonlyMap<string, number> {
  return new Map(
    text
      .trim()
      .split(/\s+/u)
      .map((pair) => {
        const [name = '', number = ''] = pair.split('=');
        const [type = 0, code] = number.split('/').map(Number);
        return [name, code === undefined ? type : type * 256 + code];
      }),
  );
}

const protocols = table(`
  all=0 ip=0 hopopt=0 icmp=1 igmp=2 ggp=3 ipencap=4 st=5 tcp=6 egp=8 igp=9 pup=12 udp=17 hmp=20 xns-idp=22 rdp=27 iso-tp4=29 dccp=33
  xtp=36 ddp=37 idpr-cmtp=38 ipv6=41 ipv6-route=43 ipv6-frag=44 idrp=45 rsvp=46 gre=47 esp=50 ah=51 skip=57 ipv6-icmp=58 icmpv6=58
  icmp6=58 ipv6-nonxt=59 ipv6-opts=60 rspf=73 vmtp=81 eigrp=88 ospf=89 ax.25=93 ipip=94 etherip=97 encap=98 pim=103 ipcomp=108 vrrp=112
  l2tp=115 isis=124 sctp=132 fc=133 mobility-header=135 ipv6-mh=135 mh=135 udplite=136 mpls-in-ip=137 manet=138 hip=139 shim6=140
  wesp=141 rohc=142 ethernet=143`);

const messages = table(`
  echo-reply=0/0 pong=0/0 network-unreachable=3/0 host-unreachable=3/1 protocol-unreachable=3/2 port-unreachable=3/3
  fragmentation-needed=3/4 source-route-failed=3/5 network-unknown=3/6 host-unknown=3/7 network-prohibited=3/9 host-prohibited=3/10
  TOS-network-unreachable=3/11 TOS-host-unreachable=3/12 communication-prohibited=3/13 host-precedence-violation=3/14
  precedence-cutoff=3/15 source-quench=4/0 network-redirect=5/0 host-redirect=5/1 TOS-network-redirect=5/2 TOS-host-redirect=5/3
  echo-request=8/0 ping=8/0 router-advertisement=9/0 router-solicitation=10/0 ttl-zero-during-transit=11/0
  ttl-zero-during-reassembly=11/1 ip-header-bad=12/0 required-option-missing=12/1 timestamp-request=13/0 timestamp-reply=14/0
  address-mask-request=17/0 address-mask-reply=18/0`);

const messages6 = table(`
  no-route=1/0 communication-prohibited=1/1 address-unreachable=1/3 port-unreachable=1/4 packet-too-big=2/0 ttl-zero-during-transit=3/0
  ttl-zero-during-reassembly=3/1 bad-header=4/0 unknown-header-type=4/1 unknown-option=4/2 echo-request=128/0 ping=128/0
  echo-reply=129/0 pong=129/0 router-solicitation=133/0 router-advertisement=134/0 neighbour-solicitation=135/0
  neighbor-solicitation=135/0 neighbour-advertisement=136/0 neighbor-advertisement=136/0 redirect=137/0`);
