#!/bin/sh
# Poll a monitor at the pace the server asks for; print the final monitor.
# usage: poll.sh MONITOR     TOKEN: sent when it is set
# needs curl 7.84 or newer, for %header{}
set -eu
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# the token comes by a pipe: arguments can be read by everyone on the machine
request() {
  printf '%s' "${TOKEN:+header = \"Authorization: Bearer $TOKEN\"}" |
    curl --config - --silent --show-error --retry 5 --retry-all-errors --output "$answer" "$@"
}

# --8<-- [start:poll]
poll() {
  while told=$(request --write-out '%{http_code} %header{retry-after}' "$1"); do
    case $told in
      '200 ') cat "$answer" && echo && return ;; # final: no Retry-After
      200*) sleep "${told#* }" ;;
      *) cat "$answer" >&2 && return 1 ;;
    esac
  done
}
# --8<-- [end:poll]

poll "$1"
