"""The service measured: settle calls, re-folds, pages. What runs inside the site's own process is :mod:`.inside`."""
