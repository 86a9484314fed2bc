"""Pages of the console for staff: they read here, and their buttons post to the routes of runs and webhooks."""
