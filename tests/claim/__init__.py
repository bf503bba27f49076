"""Measures the claim check: memory of API and worker from a small file to a large one."""
