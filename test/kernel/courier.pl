# The one process that touches the sockets. Takes framed commands on standard input (open a socket in a namespace, set an option,
# send bytes, barrier), gives framed records on standard output (bytes received, send errors, barrier reached). The idea: it knows
# no protocol at all; one thread, pinned to one processor by its parent, sends everything in the order given, over all interfaces and
# both namespaces, so the kernel handles packets in exactly that order. Needs perl-base only. Ends when standard input ends.
use strict;
use warnings;
use Socket qw();

use constant { BINDTODEVICE => 25, RCVBUFFORCE => 33, SNDBUFFORCE => 32, DONTWAIT => 0x40, NEWNET => 0x40000000 };
use constant { DRAIN_EVERY => 64, PATIENCE => 10 };

my $system_call = (`uname -m` =~ /x86_64/) ? 308 : 268;
my @namespaces = map { open(my $handle, '<', "/run/netns/$_") or die "namespace $_: $!\n"; $handle } @ARGV;
my (@sockets, @receivers);
my ($sync_socket, $sync_address, $sync_frame);
my ($output, $unread) = ('', 0);

binmode(STDIN);
binmode(STDOUT);
my %handlers = (O => \&open_socket, M => \&set_option, S => \&send_bytes, Y => \&set_sync, B => \&barrier);

my $input = '';
while (1) {
    my $cursor = 0;
    while (length($input) - $cursor >= 4) {
        my $length = unpack('N', substr($input, $cursor, 4));
        last if length($input) - $cursor < 4 + $length;
        $handlers{ substr($input, $cursor + 4, 1) }->(substr($input, $cursor + 5, $length - 1));
        $cursor += 4 + $length;
    }
    substr($input, 0, $cursor, '');
    drain();
    flush_output();
    wait_for(\*STDIN, map { $sockets[$_] } @receivers);
    my $ready = '';
    vec($ready, fileno(STDIN), 1) = 1;
    next unless select($ready, undef, undef, 0) > 0;
    sysread(STDIN, $input, 1 << 20, length($input)) or exit 0;
}

# namespace index, domain, type, protocol, 1 to receive, device, address to bind
sub open_socket {
    my ($namespace, $domain, $type, $protocol, $receives, $device, $address) = unpack('C N N N C C/a C/a', shift);
    syscall($system_call, fileno($namespaces[$namespace]), NEWNET) == 0 or die "setns: $!\n";
    socket(my $socket, $domain, $type, $protocol) or die "socket: $!\n";
    setsockopt($socket, 1, BINDTODEVICE, $device . "\0") or die "device $device: $!\n" if length $device;
    setsockopt($socket, 1, SNDBUFFORCE, pack('i', 8 << 20)) or die "send buffer: $!\n";
    if (length $address) { bind($socket, $address) or die "bind: $!\n" }
    push @sockets, $socket;
    return unless $receives;
    setsockopt($socket, 1, RCVBUFFORCE, pack('i', 256 << 20)) or die "receive buffer: $!\n";
    push @receivers, $#sockets;
}

sub set_option {
    my ($socket, $level, $option, $value) = unpack('n N N a*', shift);
    setsockopt($sockets[$socket], $level, $option, $value) or die "option $level/$option: $!\n";
}

# tag, socket, address, bytes
sub send_bytes {
    my ($tag, $socket, $address, $bytes) = unpack('N n C/a a*', shift);
    defined(length $address ? send($sockets[$socket], $bytes, 0, $address) : send($sockets[$socket], $bytes, 0))
        or record('E', pack('N n', $tag, $! + 0));
    drain() if ++$unread >= DRAIN_EVERY;
}

# socket, address, frame: what a barrier sends, with the barrier's number behind it
sub set_sync { ($sync_socket, $sync_address, $sync_frame) = unpack('n C/a a*', shift) }

# Two rounds: when the first mark was seen, every earlier packet has been judged and stands in the queue of its way out, before the second.
sub barrier {
    my $number = shift;
    for my $round (0, 1) {
        my $mark = 'zwsync' . $number . chr($round);
        my $deadline = time() + PATIENCE;
        my $seen = 0;
        until ($seen) {
            die "barrier: the mark was not seen\n" if time() > $deadline;
            send($sockets[$sync_socket], $sync_frame . $mark, 0, $sync_address) or die "barrier: $!\n";
            for (1 .. 10) {
                last if $seen = drain($mark);
                wait_for(map { $sockets[$_] } @receivers);
            }
        }
    }
    drain();
    record('D', $number);
    flush_output();
}

# Reads all that waits; true if the mark was in it.
sub drain {
    my $mark = shift;
    my $seen = 0;
    $unread = 0;
    for my $index (@receivers) {
        while (1) {
            my $address = recv($sockets[$index], my $bytes, 1 << 18, DONTWAIT);
            if (!defined $address) {
                last if $!{EAGAIN} || $!{EINTR};
                record('L', pack('n n', $index, $! + 0));
                next;
            }
            $seen = 1 if defined $mark && index($bytes, $mark) >= 0;
            record('C', pack('n C/a a*', $index, $address, $bytes));
        }
    }
    return $seen;
}

sub wait_for {
    my $ready = '';
    vec($ready, fileno($_), 1) = 1 for @_;
    select($ready, undef, undef, 0.2);
}

sub record {
    my ($kind, $rest) = @_;
    $output .= pack('N a a*', 1 + length($rest), $kind, $rest);
    flush_output() if length($output) > 1 << 18;
}

sub flush_output {
    while (length $output) {
        my $written = syswrite(STDOUT, $output);
        exit 0 unless $written;
        substr($output, 0, $written, '');
    }
}
