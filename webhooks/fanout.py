"""Stand-in until the real one is merged: same interface, turns nothing into deliveries."""


def fan_out_some(*, limit: int = 100) -> int:
    return 0
