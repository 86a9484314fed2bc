"""The guard in front of every outgoing URL that a caller gave.

    parse (target) -> rules -> resolve once (lookup) -> judge every address (addresses) -> connect to one of them -> post

`check_url` is for the time when a URL is stored and asks no name server: what a name stands for may change at any time, so
only the answer at the connection counts. `post` goes through all of it each time. Addresses from the operator's own
environment (`RUNTIME_ADDRESS`) do not pass here.
"""

from runs.egress.lookup import Resolver, look_up
from runs.egress.posting import OF_THE_CONNECTION, Answer, post
from runs.egress.rules import check_url

__all__ = ["OF_THE_CONNECTION", "Answer", "Resolver", "check_url", "look_up", "post"]
