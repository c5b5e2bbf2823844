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

# Newer tools can wait for each other.
wait4=
wait6=
if "$tool4-restore" --help 2>&1 | grep -q -e --wait; then wait4=--wait; fi
if "$tool6-restore" --help 2>&1 | grep -q -e --wait; then wait6=--wait; fi

restore4() {
	"$tool4-restore" $wait4 --noflush <"$1" 2>"$work/why"
}

restore6() {
	"$tool6-restore" $wait6 --noflush <"$1" 2>"$work/why"
}

why() {
	tr '\n' ' ' <"$work/why"
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
				if ($i == "-g" || ($i == "-j" && $(i + 1) != "LOG" && $(i + 1) != "CONNMARK")) { line = line " -j DROP"; i++; continue }
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
	nothing >"$work/noprobe"
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
		' "$here/ipset.rules" >"$work/types"
		ipset restore <"$work/types" 2>"$work/why" || {
			reason=$(why)
			unprobe
			fail "ipset refuses: $reason; nothing was changed"
		}
	fi
	kinds "$here/iptables.rules" "$prefix.probe4" >"$work/kinds4"
	kinds "$here/ip6tables.rules" "$prefix.probe6" >"$work/kinds6"
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

# A name holds a digest of its elements: what is there already is the same, or half of it from a run that was killed.
if [ "$sets" = yes ]; then
	if [ "$dry" = yes ]; then
		say "would add what is missing of $(grep -c '^create ' "$here/ipset.rules" || :) sets"
	else
		ipset -exist restore <"$here/ipset.rules" 2>"$work/why" || fail "ipset refuses: $(why); the old rules stand, run it again"
		# More than that came in by hand: such a set is made anew and swapped for the one that rules refer to.
		ipset save >"$work/saved" 2>"$work/why" || fail "ipset refuses: $(why); the old rules stand, run it again"
		awk -v probe="$prefix.probe" '
			step == 1 { if ($1 == "add") found[$2]++; next }
			step == 2 { if ($1 == "add") wanted[$2]++; next }
			$1 == "create" { finish(); open = found[$2] > wanted[$2] ? $2 : "" }
			open != "" && ($1 == "create" || $1 == "add") { $2 = probe; print }
			END { finish() }
			function finish() {
				if (open != "") { print "swap " probe " " open; print "destroy " probe }
				open = ""
			}
		' step=1 "$work/saved" step=2 "$here/ipset.rules" step=3 "$here/ipset.rules" >"$work/anew"
		if [ -s "$work/anew" ]; then
			say "elements that are not of this policy leave $(awk '$1 == "swap" { printf "%s%s", comma, $3; comma = ", " }' "$work/anew")"
			ipset restore <"$work/anew" 2>"$work/why" || fail "ipset refuses: $(why); the old rules stand, run it again"
		fi
	fi
fi

# -- 3. one transaction for each family -------------------------------------------------------------------------

# The file's chains in place of ours of the moment: the old jumps go, the new ones come first, and chains of other policies end.
#   compose SAVED RULES > TRANSACTION
compose() {
	awk -v prefix="$prefix." '
		function ours(name) { return substr(name, 1, length(prefix)) == prefix }
		FNR == NR {
			if ($1 ~ /^:/ && ours(substr($1, 2))) old[substr($1, 2)] = 1
			if ($1 == "-A" && ($2 == "FORWARD" || $2 == "INPUT" || $2 == "OUTPUT") && $3 == "-j" && NF == 4 && ours($4)) jump[++jumps] = "-D " $2 " -j " $4
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
		$1 == "COMMIT" { for (name in old) if (!(name in kept)) print "-X " name }
		{ print }
	' "$1" "$2"
}

"$tool4-save" -t filter >"$work/old4" || fail "$tool4-save failed; the old rules stand"
compose "$work/old4" "$here/iptables.rules" >"$work/new4"
"$tool6-save" -t filter >"$work/old6" || fail "$tool6-save failed; the old rules stand"
compose "$work/old6" "$here/ip6tables.rules" >"$work/new6"
if [ "$dry" = yes ]; then
	for family in 4 6; do
		say "would put $(grep -c '^:' "$work/new$family" || :) chains of IPv$family into force in one transaction, of which $(grep -c '^-X' "$work/new$family" || :) end"
	done
	say 'nothing was changed'
	exit 0
fi
restore4 "$work/new4" || fail "$tool4-restore refuses: $(why); the old rules stand, run it again"
restore6 "$work/new6" || fail "$tool6-restore refuses: $(why); the new rules stand for IPv4, the old ones for IPv6, run it again"

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
