#!/bin/sh
# Follow a task to its end, over cut connections; print each event once, as a line of JSON.
# usage: follow.sh MONITOR [LAST]     LAST: number of the last event already seen
# TOKEN: sent when it is set
set -eu

# the token comes by a pipe: arguments can be read by everyone on the machine
# a comment comes every 15 s: nothing for 45 s means that nobody is there
stream() {
  printf '%s' "${TOKEN:+header = \"Authorization: Bearer $TOKEN\"}" |
    curl --config - --no-buffer --silent --fail --speed-limit 1 --speed-time 45 \
      --header "Last-Event-ID: $2" --write-out '%{http_code}/%header{retry-after}\n' "$1/stream" || true
}

# --8<-- [start:frames]
# Print the data of whole frames to 3; answer the last one's number and type, the status and
# the seconds to wait.
frames() {
  last=$1 end=open status=000 later=2
  while read -r line; do
    case $line in
      'id: '*) id=${line#id: } ;;
      'event: '*) type=${line#event: } ;;
      'data: '*) data=${line#data: } ;;
      'retry: '*) later=$((${line#retry: } / 1000)) ;;
      [0-9][0-9][0-9]/*) # what curl writes when the answer is over
        status=${line%%/*}
        [ "${line#*/}" -gt 0 ] 2>/dev/null && later=${line#*/}
        ;;
      '') [ -z "${data-}" ] || { printf '%s\n' "$data" >&3 && last=$id end=$type data=; } ;;
    esac
  done
  echo "$last $end $status $later"
}
# --8<-- [end:frames]

# --8<-- [start:follow]
follow() {
  monitor=$1 last=${2:-0} end=open
  while [ "$end" != end ]; do
    read -r last end status later <<STATE
$(stream "$monitor" "$last" | frames "$last")
STATE
    case $status in
      204) return ;; # nothing comes after `last`, ever
      429) ;;        # refused for now, as a 5xx is
      4??) echo "refused: $status" >&2 && return 1 ;;
    esac
    [ "$end" = end ] || sleep "$later" # cut: the log is on the server, `last` says where to go on
  done
}
# --8<-- [end:follow]

follow "$@" 3>&1
