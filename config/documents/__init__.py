"""The documents of the HTTP contract: docs/openapi.json and docs/asyncapi.json, written by `manage.py documents`."""
