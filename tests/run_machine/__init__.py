"""Runs, their owners and their runtime as a plain model, beside the rows that the product makes of the same story.

runtime   what sessions really are: what they have said, how they stand, and how well they can be reached
expected  what must be in the rows of a run after whatever has happened to it
world     both at once: each act is done to the rows and to the model, and afterwards they agree
viewer    somebody who watches a run, leaves, and comes back
"""

import pytest

# What disagrees is shown value by value, as in a test.
for _module in ("agreement", "viewer", "world"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")
