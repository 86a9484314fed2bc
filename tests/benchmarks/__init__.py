"""Benchmarks: whole processes, each prints one table with its machine. Not tests: a speed never fails a build."""
