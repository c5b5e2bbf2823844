#!/bin/sh
# gateway g of policy 'two zones and a flow', revision 1
# compiled by zonewright golden for 2026-11-22 from sources 0000000000000000000000000000000000000000000000000000000000000000
# brings the files beside it into force: sh load.sh, or sh load.sh -n to see what it would do
# do not edit: change the zone file and compile again
#
# Steps; killed between any two of them, it can be run again:
#   1. look whether every tool, match and type of set is here; change nothing otherwise
#   2. put the new sets beside the old ones: a set that rules refer to is never changed
#   3. replace our chains of IPv4 in one transaction, the jumps to them first in FORWARD, INPUT and OUTPUT; then those of IPv6
#   4. remove the sets that no rule refers to any more
# Chains and sets whose names do not begin with `zw.` are left alone. With -n it only says what it would do.
# Exit status: 0 done, 1 refused or failed (the last line says what stands), 2 wrong usage.

set -eu
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
umask 077

prefix='zw'
tool4='iptables-legacy'
tool6='ip6tables-legacy'
sets='no'
dry=no

say() {
	printf 'load.sh: %s\n' "$*" >&2
}

fail() {
	say "$*"
	exit 1
}

while getopts n option; do
	case $option in
	n) dry=yes ;;
	*)
		say 'usage: sh load.sh [-n]'
		exit 2
		;;
	esac
done

# -- 1. is all here that is needed? -----------------------------------------------------------------------------

tools="awk mktemp $tool4-save $tool4-restore $tool6-save $tool6-restore"
files='iptables.rules ip6tables.rules'
if [ "$sets" = yes ]; then
	tools="$tools ipset"
	files="$files ipset.rules"
fi
here=$(cd "$(dirname "$0")" && pwd) || fail 'its own folder cannot be found'
for tool in $tools; do
	command -v "$tool" >/dev/null 2>&1 || fail "$tool is not installed; nothing was changed"
done
for file in $files; do
	[ -r "$here/$file" ] || fail "$file is missing beside this script; nothing was changed"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/load.XXXXXX") || fail 'no folder for temporary files; nothing was changed'
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Newer tools can wait for each other; a program that hangs with the lock in its hand must not hold this script for ever.
wait4=
wait6=
if "$tool4-restore" --help 2>&1 | grep -q -e --wait; then wait4=--wait=60; fi
if "$tool6-restore" --help 2>&1 | grep -q -e --wait; then wait6=--wait=60; fi

restore4() {
	"$tool4-restore" $wait4 --noflush <"$1" 2>"$work/why"
}

restore6() {
	"$tool6-restore" $wait6 --noflush <"$1" 2>"$work/why"
}

noroom='no room for temporary files'

why() {
	if [ -s "$work/why" ]; then tr '\n' ' ' <"$work/why"; else printf '%s' "$noroom"; fi
}

# A rule of each kind, in a chain that nothing leads to: what this kernel lacks shows before anything is replaced.
#   kinds RULES SET > TRANSACTION
kinds() {
	awk -v chain="$prefix.probe" -v set="$2" '
		BEGIN { print "*filter"; print ":" chain " - [0:0]" }
		$1 == "-A" {
			kind = ""
			line = ""
			for (i = 3; i <= NF; i++) {
				if ($i == "--comment" || $i == "--log-prefix") { kind = kind " " $i; line = line " " $i " x"; while (i < NF && $i !~ /"$/) i++; continue }
				if ($i == "-g" || ($i == "-j" && $(i + 1) != "LOG" && $(i + 1) != "CONNMARK" && $(i + 1) != "NFQUEUE")) { line = line " -j DROP"; i++; continue }
				if ($i == "-j" || $i == "-m" || $i == "-p") { kind = kind " " $i " " $(i + 1); line = line " " $i " " $(i + 1); i++; continue }
				if ($i == "--match-set") { kind = kind " " $i; line = line " " $i " " set; i++; continue }
				if ($i ~ /^-/) kind = kind " " $i
				line = line " " $i
			}
			if (!(kind in seen)) print "-A " chain line
			seen[kind] = 1
		}
		END { print "COMMIT" }
	' "$1"
}

nothing() {
	printf '*filter\n:%s.probe - [0:0]\n-X %s.probe\nCOMMIT\n' "$prefix" "$prefix"
}

unprobe() {
	restore4 "$work/noprobe" || :
	restore6 "$work/noprobe" || :
	if [ "$sets" = yes ]; then
		for set in "$prefix.probe" "$prefix.probe4" "$prefix.probe6"; do ipset destroy "$set" 2>/dev/null || :; done
	fi
}

if [ "$dry" = no ]; then
	nothing >"$work/noprobe" || fail "$noroom; nothing was changed"
	unprobe
	if [ "$sets" = yes ]; then
		# One of each type and family; two stay for the rules that are tried.
		awk -v name="$prefix.probe" '
			$1 == "create" && !(($3 " " $5) in seen) {
				seen[$3 " " $5] = 1
				print "create " name " " $3 " family " $5
				print "destroy " name
			}
			END { print "create " name "4 hash:net family inet"; print "create " name "6 hash:net family inet6" }
		' "$here/ipset.rules" >"$work/types" || fail "$noroom; nothing was changed"
		ipset restore <"$work/types" 2>"$work/why" || {
			reason=$(why)
			unprobe
			fail "ipset refuses: $reason; nothing was changed"
		}
	fi
	kinds "$here/iptables.rules" "$prefix.probe4" >"$work/kinds4" && kinds "$here/ip6tables.rules" "$prefix.probe6" >"$work/kinds6" || {
		unprobe
		fail "$noroom; nothing was changed"
	}
	restore4 "$work/kinds4" || {
		reason=$(why)
		unprobe
		fail "$tool4-restore refuses: $reason; nothing was changed"
	}
	restore6 "$work/kinds6" || {
		reason=$(why)
		unprobe
		fail "$tool6-restore refuses: $reason; nothing was changed"
	}
	unprobe
fi

# -- 2. the new sets beside the old ones ------------------------------------------------------------------------

# A name holds a digest of its elements: what is there already is the same, or half of it from a run that was killed. What a hand has
# changed (elements, a timeout) is made anew and swapped for what rules refer to.
if [ "$sets" = yes ]; then
	if [ "$dry" = yes ]; then
		say "would add what is missing of $(grep -c '^create ' "$here/ipset.rules" || :) sets"
	else
		ipset save >"$work/before" 2>"$work/why" || fail "ipset refuses: $(why); the old rules stand, run it again"
		awk '
			$1 == "create" && step == 1 { kind[$2] = kindof() }
			$1 == "create" && step == 2 && $2 in kind && kind[$2] != kindof() { print $2 }
			function kindof(  i, text) {
				text = $3
				for (i = 4; i <= NF; i++) if ($i == "hashsize" || $i == "bucketsize" || $i == "initval") i++; else text = text " " $i
				return text
			}
		' step=1 "$work/before" step=2 "$here/ipset.rules" >"$work/odd" || fail "$noroom; the old rules stand, run it again"
		awk 'step == 1 { odd[$1] = 1; next } !($2 in odd)' step=1 "$work/odd" step=2 "$here/ipset.rules" >"$work/plain" ||
			fail "$noroom; the old rules stand, run it again"
		ipset -exist restore <"$work/plain" 2>"$work/why" || fail "ipset refuses: $(why); the old rules stand, run it again"
		ipset save >"$work/saved" 2>"$work/why" || fail "ipset refuses: $(why); the old rules stand, run it again"
		awk -v probe="$prefix.probe" '
			step == 1 { odd[$1] = 1; next }
			step == 2 { if ($1 == "add") found[$2]++; next }
			step == 3 { if ($1 == "add") wanted[$2]++; next }
			$1 == "create" { finish(); open = $2 in odd || found[$2] > wanted[$2] ? $2 : "" }
			open != "" && ($1 == "create" || $1 == "add") { $2 = probe; print }
			END { finish() }
			function finish() {
				if (open != "") { print "swap " probe " " open; print "destroy " probe }
				open = ""
			}
		' step=1 "$work/odd" step=2 "$work/saved" step=3 "$here/ipset.rules" step=4 "$here/ipset.rules" >"$work/anew" ||
			fail "$noroom; the old rules stand, run it again"
		if [ -s "$work/anew" ]; then
			changed=$(awk '$1 == "swap" { printf "%s%s", comma, $3; comma = ", " }' "$work/anew")
			ipset restore <"$work/anew" 2>"$work/why" || {
				reason=$(why)
				unprobe
				fail "$changed: not as load.sh made it, and ipset refuses to put it right: $reason; the old rules stand. Remove it by hand and run it again"
			}
			say "made anew, since changed by another hand: $changed"
		fi
	fi
fi

# -- 3. one transaction for each family -------------------------------------------------------------------------

# The file's chains in place of ours of the moment: the old jumps go, the new ones come first, and chains of other policies end. One that
# rules of another program lead to stays, empty.
#   compose SAVED RULES FOREIGN > TRANSACTION
compose() {
	awk -v prefix="$prefix." -v foreign="$3" '
		function ours(name) { return substr(name, 1, length(prefix)) == prefix }
		step == 1 {
			if ($1 ~ /^:/ && ours(substr($1, 2))) old[substr($1, 2)] = 1
			if ($1 == "-A" && ($2 == "FORWARD" || $2 == "INPUT" || $2 == "OUTPUT") && $3 == "-j" && NF == 4 && ours($4)) jump[++jumps] = "-D " $2 " -j " $4
			else if ($1 == "-A" && !ours($2)) for (i = 3; i < NF; i++) if (($i == "-j" || $i == "-g") && ours($(i + 1))) led[$(i + 1)] = $0
			next
		}
		/^#/ { next }
		/^:/ { kept[substr($1, 2)] = 1 }
		$1 == "-A" && !declared {
			declared = 1
			for (name in old) if (!(name in kept)) print ":" name " - [0:0]"
		}
		$1 == "-I" && !removed {
			removed = 1
			for (i = 1; i <= jumps; i++) print jump[i]
		}
		$1 == "COMMIT" { for (name in old) if (!(name in kept) && !(name in led)) print "-X " name }
		{ print }
		END { for (name in led) print name (name in kept ? " is led to" : " stays, empty: it is led to") " by a rule of another program: " led[name] >foreign }
	' step=1 "$1" step=2 "$2"
}

# After the trial above there always is a table to print; a full disk cuts it.
whole() {
	[ "$dry" = yes ] || grep -q '^COMMIT' "$1"
}

: >"$work/foreign4"
: >"$work/foreign6"
"$tool4-save" -t filter >"$work/old4" && whole "$work/old4" || fail "$tool4-save failed, or there is $noroom; the old rules stand"
"$tool6-save" -t filter >"$work/old6" && whole "$work/old6" || fail "$tool6-save failed, or there is $noroom; the old rules stand"
compose "$work/old4" "$here/iptables.rules" "$work/foreign4" >"$work/new4" && whole "$work/new4" || fail "$noroom; the old rules stand, run it again"
compose "$work/old6" "$here/ip6tables.rules" "$work/foreign6" >"$work/new6" && whole "$work/new6" || fail "$noroom; the old rules stand, run it again"
if [ "$dry" = yes ]; then
	for family in 4 6; do
		say "would put $(grep -c '^:' "$work/new$family" || :) chains of IPv$family into force in one transaction, of which $(grep -c '^-X' "$work/new$family" || :) end"
	done
	say 'nothing was changed'
	exit 0
fi
restore4 "$work/new4" || fail "$tool4-restore refuses: $(why); the old rules stand, run it again"
restore6 "$work/new6" || fail "$tool6-restore refuses: $(why); the new rules stand for IPv4, the old ones for IPv6, run it again"

while read -r line; do say "IPv4: $line"; done <"$work/foreign4"
while read -r line; do say "IPv6: $line"; done <"$work/foreign6"

# -- 4. sets that no rule refers to -----------------------------------------------------------------------------

if command -v ipset >/dev/null 2>&1; then
	if [ "$sets" = yes ]; then awk '$1 == "create" { print $2 }' "$here/ipset.rules" >"$work/kept"; else : >"$work/kept"; fi
	ipset list -n >"$work/all" 2>/dev/null || : >"$work/all"
	awk -v prefix="$prefix." 'FNR == NR { if (FILENAME == ARGV[1]) kept[$1] = 1 } FILENAME == ARGV[2] && substr($1, 1, length(prefix)) == prefix && !($1 in kept) { print "destroy " $1 }' \
		"$work/kept" "$work/all" >"$work/stale"
	while read -r command name; do
		# In use by rules of another program: not ours to remove.
		ipset "$command" "$name" 2>/dev/null || say "$name stays: something still refers to it"
	done <"$work/stale"
fi
