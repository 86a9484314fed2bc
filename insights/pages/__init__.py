"""The console: pages for staff beside those of the admin. They show what is read elsewhere and call the routes of the API."""
