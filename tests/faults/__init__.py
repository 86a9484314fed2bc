"""What hurts the system for real: networks that fail, hosts that freeze or have a wrong clock, databases that go away."""
