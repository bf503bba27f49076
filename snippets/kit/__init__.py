"""A conformance kit: scores any long-running API over HTTP, rule by rule, each with a source."""
