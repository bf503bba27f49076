#!/bin/sh
# Submit a task; print the address of its monitor.
# usage: submit.sh [JSON]     DEMO_URL: where the API listens     TOKEN: sent when it is set
# needs curl 7.84 or newer, for %header{}
set -eu
api=${DEMO_URL:-http://127.0.0.1:8001}
task=${1:-"{\"kind\": \"web_scrape\", \"input\": {\"url\": \"$api/guide/\", \"max_pages\": 10}}"}
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# the token comes by a pipe: arguments can be read by everyone on the machine
request() {
  printf '%s' "${TOKEN:+header = \"Authorization: Bearer $TOKEN\"}" |
    curl --config - --silent --show-error --retry 5 --retry-all-errors --output "$answer" "$@"
}

# --8<-- [start:submit]
# every try carries the same key, so that one task comes of it
told=$(request --header 'Content-Type: application/json' --header "Idempotency-Key: \"$key\"" \
  --data "$task" --write-out '%{http_code} %header{operation-location}' "$api/tasks")
case $told in
  2*) echo "${told#* }" ;;
  *) cat "$answer" >&2 && exit 1 ;; # refused; the problem says why
esac
# --8<-- [end:submit]
