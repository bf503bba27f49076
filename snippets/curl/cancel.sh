#!/bin/sh
# Ask for a task to be canceled; print its monitor as it is then: it may have ended before.
# usage: cancel.sh MONITOR     TOKEN: sent when it is set
set -eu
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# the token comes by a pipe: arguments can be read by everyone on the machine
request() {
  printf '%s' "${TOKEN:+header = \"Authorization: Bearer $TOKEN\"}" |
    curl --config - --silent --show-error --retry 5 --retry-all-errors --output "$answer" "$@"
}

# --8<-- [start:cancel]
told=$(request --request POST --write-out '%{http_code}' "$1/cancel")
case $told in
  200 | 202 | 409) request "$1" && cat "$answer" && echo ;; # 409: it is final already
  *) cat "$answer" >&2 && exit 1 ;;
esac
# --8<-- [end:cancel]
