"""The panels of the run page in a real browser, each alone on a page with the policy that the console is served under."""
