"""The scripted runtime: plays a named scenario instead of asking real agents. For demos, sandbox runs and tests."""

from runs.runtimes.scripted.client import ScriptedRuntime

__all__ = ["ScriptedRuntime"]
