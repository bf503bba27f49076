#!/bin/sh
# Kill the running demo's worker as a crash of its machine would; run it beside `make demo`.
set -eu

# --8<-- [start:kill]
kill -9 "$(cat "${DEMO_DATA:-.demo}/pids/worker")"
# --8<-- [end:kill]
