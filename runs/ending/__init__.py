"""Endings: the one place that writes them, and what belongs to it.

election   the one transaction; whoever comes second writes nothing
asking     before an ending of our own: the runtime is asked once, and its answer is preferred
rest       what an ended session still has to say is read first
opening    whose session it is: only what opened it tells
cleanup    what is left to do at the runtime once the ending has committed
"""

from runs.ending.asking import Outcome, Questions, settle
from runs.ending.election import Still, end_run
from runs.ending.opening import is_opened_by
from runs.ending.walk import walk

__all__ = ["Outcome", "Questions", "Still", "end_run", "is_opened_by", "settle", "walk"]
