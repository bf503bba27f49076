"""A little server that keeps every rule, and others that each break a few of them on purpose."""
