# The process that starts programs. Takes framed requests on standard input (a number, a network namespace or nothing, what the program reads, the
# program and its arguments), gives framed records on standard output (the number, how it ended, what it wrote). The idea: a fork of this small
# process costs a fraction of one of node's, and the child enters the namespace by itself, without a program in between that does only that.
# Needs perl-base only. Ends when standard input ends.
use strict;
use warnings;

use constant { NEWNET => 0x40000000, WNOHANG => 1 };

my $system_call = (`uname -m` =~ /x86_64/) ? 308 : 268;
pipe(my $woken, my $wake) or die "pipe: $!\n";
$SIG{CHLD} = sub { syswrite($wake, '.') };
binmode(STDIN);
my %running;

my $input = '';
while (1) {
    my $ready = '';
    vec($ready, fileno($_), 1) = 1 for \*STDIN, $woken;
    next unless select($ready, undef, undef, undef) > 0;
    if (vec($ready, fileno($woken), 1)) {
        sysread($woken, my $ignored, 4096);
        while ((my $child = waitpid(-1, WNOHANG)) > 0) { report($?, @{ delete $running{$child} }) }
    }
    next unless vec($ready, fileno(STDIN), 1);
    sysread(STDIN, $input, 1 << 20, length($input)) or exit 0;
    while (length($input) >= 4) {
        my $length = unpack('N', $input);
        last if length($input) < 4 + $length;
        start(unpack('N N/a N/a (N/a)*', substr($input, 4, $length)));
        substr($input, 0, 4 + $length, '');
    }
}

sub start {
    my ($number, $namespace, $text, @command) = @_;
    my ($given, $written, $errors) = (file(), file(), file());
    syswrite($given, $text) == length $text or die "temporary file: $!\n";
    sysseek($given, 0, 0);
    my $child = fork() // die "fork: $!\n";
    if ($child) {
        $running{$child} = [$number, $written, $errors];
        return;
    }
    open(STDIN, '<&', $given) && open(STDOUT, '>&', $written) && open(STDERR, '>&', $errors) or exit 126;
    $| = 1;
    if (length $namespace) {
        open(my $handle, '<', "/run/netns/$namespace") or fail("namespace $namespace: $!");
        syscall($system_call, fileno($handle), NEWNET) == 0 or fail("namespace $namespace: $!");
    }
    no warnings 'exec';
    exec { $command[0] } @command or fail("$command[0]: $!");
}

sub fail {
    print STDERR "$_[0]\n";
    exit 127;
}

# Without a name, and gone with its last reader.
sub file {
    open(my $handle, '+>', undef) or die "temporary file: $!\n";
    binmode($handle);
    return $handle;
}

sub report {
    my ($status, $number, @files) = @_;
    my @texts = map { sysseek($_, 0, 0); my $text = ''; 1 while sysread($_, $text, 1 << 20, length $text); $text } @files;
    my $body = pack('N C n N/a N/a', $number, $status & 127, $status >> 8, @texts);
    my $record = pack('N/a', $body);
    while (length $record) {
        my $count = syswrite(STDOUT, $record) or exit 0;
        substr($record, 0, $count, '');
    }
}
