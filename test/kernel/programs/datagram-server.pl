# A UDP server that says what it gets. Takes address and port; prints every datagram as hex. Large ones come as they were sent, one by one.
use strict;
use warnings;
use Socket qw(:all);

my ($address, $port) = @ARGV;
my ($error, $found) = getaddrinfo($address, $port, { flags => AI_NUMERICHOST, socktype => SOCK_DGRAM });
die $error if $error;
socket(my $socket, $found->{family}, SOCK_DGRAM, 0) or die $!;
bind($socket, $found->{addr}) or die $!;
$| = 1;
print "listening\n";
while (defined recv($socket, my $bytes, 65_535, 0)) {
  print 'got ', unpack('H*', $bytes), "\n";
}
