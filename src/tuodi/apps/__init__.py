"""One folder per job, the same file names in each: models, actions, queries, web, api, permissions."""
