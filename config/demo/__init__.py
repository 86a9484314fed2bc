"""The demo: the whole service, one run through it, and a person who watches."""
