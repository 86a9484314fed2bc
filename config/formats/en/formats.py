"""How staff pages write times: as logs do, for a minute holds thousands of events. Always UTC."""

DATETIME_FORMAT = "Y-m-d H:i:s.u"
