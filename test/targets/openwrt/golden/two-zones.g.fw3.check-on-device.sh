#!/bin/sh
# gateway g of policy two zones and a flow, revision 1
# compiled by zonewright golden for 2026-11-22 from sources 0000000000000000000000000000000000000000000000000000000000000000
# for fw3; run it on the gateway: it loads nothing
# do not edit: change the zone file and compile again
#
# Usage: sh check-on-device.sh [FILE]      (the file `firewall` beside this script unless told)
#
# fw3 skips a rule that it cannot read and still ends with success. This script shows it the file for a moment in the place of
# /etc/config/firewall, takes what it would load, puts the old file back, and looks that it complained of nothing and that every rule is there.
# Exit status: 0 good, 1 not good (the lines above say what), 2 it could not be tried.

set -u
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
umask 077

here=$(cd "$(dirname "$0")" && pwd) || exit 2
file=${1:-$here/firewall}
config=${CONFIG:-/etc/config/firewall}
work=

say() {
	printf 'check-on-device: %s\n' "$*" >&2
}

stop() {
	say "$*"
	exit 2
}

back() {
	[ -n "$work" ] || return 0
	if [ -f "$work/old" ]; then
		cp -p "$work/old" "$config.zw-back" && mv "$config.zw-back" "$config" || say "put $work/old back as $config by hand"
	elif [ -f "$work/none" ]; then
		rm -f "$config"
	fi
	[ -f "$work/keep" ] || rm -rf "$work"
}

command -v fw3 >/dev/null || stop 'no fw3 here'
[ -r "$file" ] || stop "cannot read $file"
[ -z "$(uci changes firewall 2>/dev/null)" ] || stop 'uci holds changes of the firewall that are not committed: commit or revert them'

work=$(mktemp -d /tmp/zw-check.XXXXXX) || stop 'no folder for temporary files; nothing was changed'
trap 'exit 2' HUP INT TERM
trap back EXIT
if [ -e "$config" ]; then
	cp -p "$config" "$work/old" || stop "cannot copy $config"
else
	: >"$work/none"
fi
cp "$file" "$config" || stop "cannot write $config"
fw3 print >"$work/out" 2>"$work/err"
status=$?
if [ -f "$work/old" ]; then
	cp -p "$work/old" "$config.zw-back" && mv "$config.zw-back" "$config" || stop "put $work/old back as $config by hand"
fi

bad=0
if [ "$status" -ne 0 ]; then
	say 'fw3 print failed'
	bad=1
fi
# fw3 says on the same way what it does; its complaints begin with this word.
if grep '^Warning' "$work/err" >&2; then
	say 'fw3 complains'
	bad=1
fi

awk -v mark='!fw3: ' -v quote="'" '
	file == 1 {
		at = index($0, "\"" mark)
		if (at > 0) {
			text = substr($0, at + 1 + length(mark))
			end = index(text, "\"")
			if (end > 0) there[substr(text, 1, end - 1)] = 1
		}
		next
	}
	$1 == "config" { kind = $2 }
	kind == "rule" && $1 == "option" && $2 == "name" {
		name = $0
		sub("^[ \t]*option name " quote, "", name)
		sub(quote "[ \t]*$", "", name)
		wanted++
		if (!(name in there)) {
			print "not loaded: " name
			lost++
		}
	}
	END {
		print wanted + 0 " rules, " lost + 0 " not loaded"
		exit(wanted > 0 && lost == 0 ? 0 : 1)
	}
' file=1 "$work/out" file=2 "$file" || bad=1
[ "$bad" -eq 0 ] && say 'good: no complaint, and every rule is there'
exit "$bad"
