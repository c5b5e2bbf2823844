# A TCP client that marks a byte within a segment as urgent. Takes address and port; writes one segment of twelve bytes, the eighth of which is
# urgent, then further segments without; each as hex on the command line. An ordinary socket, no privilege. Prints its port.
use strict;
use warnings;
use Socket qw(:all);

my ($address, $port, $first, @others) = @ARGV;
my ($error, $found) = getaddrinfo($address, $port, { flags => AI_NUMERICHOST, socktype => SOCK_STREAM });
die $error if $error;
socket(my $socket, $found->{family}, SOCK_STREAM, 0) or die $!;
setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) or die $!;
connect($socket, $found->{addr}) or die $!;
my ($failed, $host, $own) = getnameinfo(getsockname($socket), NI_NUMERICHOST | NI_NUMERICSERV);
$| = 1;
print "opened $own\n";
my $bytes = pack('H*', $first);
my $more = 0x8000;
send($socket, substr($bytes, 0, 8), MSG_OOB | $more) or die $!;
send($socket, substr($bytes, 8), 0) or die $!;
select(undef, undef, undef, 0.1);
for my $other (@others) {
  send($socket, pack('H*', $other), 0) or die $!;
}
print "written\n";
sleep 20;
