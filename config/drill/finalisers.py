"""Many who end one run at the same moment: `python -m config.drill.finalisers RUN HOW_MANY UNIX_TIME` prints how it went."""

import json
import os
import sys
import threading
import time
from collections import Counter
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402 - Django must be set up first

from runs.domain.endings import DecidedBy, EndingCode, Verdict  # noqa: E402
from runs.ending import end_run  # noqa: E402
from runs.errors import RunEnded  # noqa: E402

CODES = (EndingCode.CANCELLED, EndingCode.PROGRESS_TIMEOUT, EndingCode.RUN_TIMEOUT, EndingCode.INTERNAL_ERROR)


def main() -> None:
    """Prints `{"ended": 1, "lost": 9}` or the like, as one line."""
    run_id, number, at = UUID(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    outcomes: Counter[str] = Counter()

    def finish(index: int) -> None:
        connection.ensure_connection()
        time.sleep(max(0.0, at - time.time()))
        try:
            end_run(run_id, Verdict(code=CODES[index % len(CODES)], decided_by=DecidedBy.OPERATOR), epoch=None)
        except RunEnded:
            outcomes["lost"] += 1
        else:
            outcomes["ended"] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=finish, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(outcomes) + "\n")


if __name__ == "__main__":
    main()
