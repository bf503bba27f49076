#!/bin/sh
# Submit a task under a key of your own, as often as you like: one key, one task.
# Print whether it was submitted now or replayed, and the address of its monitor.
# usage: idempotent.sh KEY [JSON]     DEMO_URL: where the API listens     TOKEN: sent when it is set
# needs curl 7.84 or newer, for %header{}
set -eu
api=${DEMO_URL:-http://127.0.0.1:8001}
task=${2:-"{\"kind\": \"web_scrape\", \"input\": {\"url\": \"$api/guide/\", \"max_pages\": 10}}"}
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# the token comes by a pipe: arguments can be read by everyone on the machine
request() {
  printf '%s' "${TOKEN:+header = \"Authorization: Bearer $TOKEN\"}" |
    curl --config - --silent --show-error --retry 5 --retry-all-errors --output "$answer" "$@"
}

# --8<-- [start:idempotent]
# whether an unanswered try was carried out need not be known: the next one finds out
told=$(request --header 'Content-Type: application/json' --header "Idempotency-Key: \"$1\"" \
  --data "$task" "$api/tasks" \
  --write-out '%{http_code} %header{operation-location} %header{idempotent-replayed}')
case $told in
  2*' true') told=${told% true} && echo "replayed ${told#* }" ;;
  2*) told=${told% } && echo "submitted ${told#* }" ;;
  *) cat "$answer" >&2 && exit 1 ;; # 422: the key stands for another task
esac
# --8<-- [end:idempotent]
