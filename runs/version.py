"""The version of Signalbox, in the one place the code reads it from; a test compares it with pyproject.toml."""

VERSION = "0.1.0"
