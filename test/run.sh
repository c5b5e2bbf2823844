#!/bin/sh
# The one test command: sh test/run.sh
#
# Installs what the tests need when it can, builds, runs every test, and checks types, style and layers; each step
# but the tests counts as one. Prints `N passed, N failed` last; with CI=true a skipped test is a failed one.
set -u
cd "$(dirname "$0")/.." || exit 1

passed=0
failed=0
step() {
  name=$1
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "== $name failed"
  fi
}

# Command and Debian package of each tool that the kernel tests call.
missing=''
for pair in nft:nftables iptables:iptables ipset:ipset ip:iproute2 tcpreplay:tcpreplay tcpdump:tcpdump conntrack:conntrack; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "skipped: cannot install$missing: not root"
  elif ! command -v apt-get >/dev/null 2>&1; then
    echo "skipped: cannot install$missing: no apt-get on this machine"
  else
    echo "== installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of packages
    { apt-get -qq update && apt-get -qq install --no-install-recommends -y $missing >/dev/null; } || echo "skipped: apt-get could not install$missing"
  fi
fi

# Suricata is in no release of Debian 12 but in its backports, on the mirror that the machine's own sources name.
backports() {
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  file=$(grep -lrE "^(URIs:|deb ).*debian" /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1)
  mirror=$(grep -hoE '[a-z]+://[^ ]+/debian/? *( |$)' "$file" 2>/dev/null | head -n 1 | tr -d ' ')
  keys=$(grep -hE '^Signed-By:' "$file" 2>/dev/null | head -n 1 | cut -d ' ' -f 2)
  [ -n "$release" ] && [ -n "$mirror" ] || return 1
  echo "deb ${keys:+[signed-by=$keys] }$mirror $release-backports main" >/etc/apt/sources.list.d/zonewright-backports.list
  apt-get -qq update && apt-get -qq install --no-install-recommends -y -t "$release-backports" suricata >/dev/null
}
if ! command -v suricata >/dev/null 2>&1; then
  if [ "$(id -u)" != 0 ]; then
    echo 'skipped: cannot install suricata: not root'
  elif ! command -v apt-get >/dev/null 2>&1; then
    echo 'skipped: cannot install suricata: no apt-get on this machine'
  else
    echo '== installing suricata'
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    # A release that has the right version needs no backports.
    { apt-cache policy suricata | grep -q 'Candidate: 1:7' && apt-get -qq install --no-install-recommends -y suricata >/dev/null; } || backports ||
      echo 'skipped: apt-get could not install suricata'
  fi
fi

if [ "${CI:-}" = true ] || [ ! -d node_modules ]; then
  step 'npm ci' npm ci
fi
step 'build' npm run --silent build

# The tests wait for other programs a third of their time, so what needs nothing of them goes beside them, in two lanes; each counts, and is shown
# whole, as if alone.
outputs=$(mktemp -d) || exit 1
aside() {
  name=$1
  shift
  nice "$@" >"$outputs/$name" 2>&1
  echo $? >"$outputs/$name.status"
}
shown() {
  cat "$outputs/$1"
  [ "$(cat "$outputs/$1.status")" = 0 ]
}
{
  aside types npm run --silent typecheck
  aside lint npm run --silent lint:code
  aside layers npm run --silent lint:layers
} &
{
  aside format npm run --silent lint:format
  aside unused npm run --silent lint:unused
} &

results=.vitest/results.json
rm -f "$results"
echo '== tests; beside them types, lint, format, layers and unused, which are shown behind'
npx vitest run --reporter=default --reporter=json --outputFile.json="$results"
wait
for name in types lint format layers unused; do
  step "$name" shown "$name"
done
rm -rf "$outputs"
exec node test/summary.mjs "$results" "$passed" "$failed"
