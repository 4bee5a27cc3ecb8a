"""Settings, urls and the wiring of announcements."""
