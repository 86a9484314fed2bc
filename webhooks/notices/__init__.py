"""What operators are told of endpoints, by another way than the endpoints themselves: rows, the log, mail.

Everything here takes `now`, so that days can be simulated, and runs in the caller's transaction.
"""

from webhooks.notices.disabling import disable
from webhooks.notices.mailing import mail_notices
from webhooks.notices.outage import after_attempt
from webhooks.notices.silence import watch_silence

__all__ = ["after_attempt", "disable", "mail_notices", "watch_silence"]
