"""A second engine, written from the documents alone: slow, obvious, one place after another, default readings only."""
