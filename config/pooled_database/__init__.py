"""ENGINE of every database: connections of a pool are handed out without a round trip."""
