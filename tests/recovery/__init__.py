"""Runs that survive whatever dies: real processes, a real PostgreSQL, and faults that happen for real."""
