"""The schemas of everything that goes over the wire: written once, for the OpenAPI and the AsyncAPI document alike."""
