# The same as a pytest run, beside the tests in TESTS.
exec python -m pytest -p snippets.kit.plugin -q -rfX \
  --kit-url "${API:?}" \
  --kit-submit 'POST /jobs' \
  --kit-body '{"seconds": 1.5}' \
  --kit-slow '{"seconds": 600}' \
  --kit-failing '{"seconds": 0.5, "fails": true}' \
  --kit-token-env API_TOKEN \
  "${TESTS:-snippets/kit}"
