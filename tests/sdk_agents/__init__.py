"""Agents for end-to-end tests, each a process of its own on the published SDK: an independent implementation of the
protocol, so that our adapter is not tested against its own idea of it.

    python -m tests.sdk_agents.voter --address 127.0.0.1:50051 --id ann --token token-ann --session <uuid>

An agent waits until its session exists, plays its part, and exits 0 when it has seen the Commitment.
"""
