# A UDP client that hands several datagrams to its kernel at once, to be cut by whoever sends them last (the socket option UDP_SEGMENT). Takes address,
# port, how many bytes a datagram has, and what it writes, each as hex and in one call. An ordinary socket, no privilege. Prints when it has written.
use strict;
use warnings;
use Socket qw(:all);

my ($address, $port, $size, @calls) = @ARGV;
my ($udp, $udp_segment) = (17, 103);
my ($error, $found) = getaddrinfo($address, $port, { flags => AI_NUMERICHOST, socktype => SOCK_DGRAM });
die $error if $error;
socket(my $socket, $found->{family}, SOCK_DGRAM, 0) or die $!;
setsockopt($socket, $udp, $udp_segment, pack('i', $size)) or die "UDP_SEGMENT: $!";
connect($socket, $found->{addr}) or die $!;
$| = 1;
for my $bytes (@calls) {
  send($socket, pack('H*', $bytes), 0) or die $!;
}
print "written\n";
sleep 20;
