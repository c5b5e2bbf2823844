# Switches an offload of an interface on or off, as `ethtool -K` does, and says how it stands. Takes the interface, the name of the feature as ethtool's
# long lists have it (`tx-udp-segmentation`) and `on` or `off`. The feature's number is asked from the kernel by its name (linux/ethtool.h).
use strict;
use warnings;
use Socket qw(AF_INET SOCK_DGRAM);

my ($interface, $name, $wish) = @ARGV;
my ($siocethtool, $gssetinfo, $gstrings, $gfeatures, $sfeatures) = (0x8946, 0x37, 0x1b, 0x3a, 0x3b);
my ($set, $length) = (4, 32);
socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die $!;

# One request: the kernel writes its answer over it.
sub ask {
  my ($request) = @_;
  my $answer = $request;
  my $ifreq = pack('a16 P x8', $interface, $answer);
  ioctl($socket, $siocethtool, $ifreq) or die "$interface: $!";
  return $answer;
}

my $count = unpack('x16 L', ask(pack('L L Q L', $gssetinfo, 0, 1 << $set, 0)));
my @names = unpack("x12 (Z$length)$count", ask(pack("L L L x" . $length * $count, $gstrings, $set, $count)));
my ($index) = grep { $names[$_] eq $name } 0 .. $#names;
die "no feature $name" unless defined $index;
my $blocks = int(($count + 31) / 32);
my $bit = 1 << ($index % 32);
my @wishes = map { $_ == int($index / 32) ? ($bit, $wish eq 'on' ? $bit : 0) : (0, 0) } 0 .. $blocks - 1;
ask(pack('L L L*', $sfeatures, $blocks, @wishes));
# Available, requested, active, never changed.
my @states = unpack('x8 L*', ask(pack("L L x" . 16 * $blocks, $gfeatures, $blocks)));
print $name, ' ', ($states[4 * int($index / 32) + 2] & $bit ? 'on' : 'off'), "\n";
