"""Live streams as those see them who use them: curl, browsers, Python, through a proxy, across restarts."""
