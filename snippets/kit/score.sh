# Put your own paths and bodies here.
# API: where it is; API_TOKEN: a token for it.
exec python -m snippets.kit "${API:?}" \
  --submit 'POST /jobs' \
  --body '{"seconds": 1.5}' \
  --slow '{"seconds": 600}' \
  --failing '{"seconds": 0.5, "fails": true}' \
  --token-env API_TOKEN \
  --keep-alive 20 \
  --json "${SCORECARD:-/dev/null}"
