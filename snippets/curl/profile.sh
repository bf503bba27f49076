#!/bin/sh
# Upload a CSV, go on after a cut, submit its profile; print the address of the monitor.
# usage: profile.sh FILE     DEMO_URL: where the API listens     TOKEN: sent when it is set
# needs curl 7.84 or newer, for %header{}; the API's own store, for a signed URL see profile.py
set -eu
api=${DEMO_URL:-http://127.0.0.1:8001}
file=$1
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# the token comes by a pipe: arguments can be read by everyone on the machine
request() {
  printf '%s' "${TOKEN:+header = \"Authorization: Bearer $TOKEN\"}" |
    curl --config - --silent --show-error --output "$answer" "$@"
}

json='Content-Type: application/json'
size=$(wc -c <"$file" | tr -d ' ')
slot=$(request --fail-with-body --header "$json" --data "{\"size\": $size}" \
  --write-out '%header{location}' "$api/uploads") || { cat "$answer" >&2; exit 1; }

# --8<-- [start:upload]
# --continue-at sends Content-Range from there on; 409 and a cut both mean: ask again
for pause in 0 1 2 4 8; do
  sleep "$pause"
  offset=$(request --head --write-out '%header{upload-offset}' "$slot") || continue
  request --fail-with-body --continue-at "$offset" --upload-file "$file" "$slot" && break
done
# --8<-- [end:upload]

task="{\"kind\": \"dataset_profile\", \"input\": {\"upload\": \"${slot##*/}\"}}"
told=$(request --header "$json" --header "Idempotency-Key: \"${slot##*/}\"" --data "$task" \
  --write-out '%{http_code} %header{operation-location}' "$api/tasks")
case $told in
  2*) echo "${told#* }" ;;
  *) cat "$answer" >&2 && exit 1 ;; # refused; the problem says why
esac
