"""Columns in, columns out: exchange files, the streamed batch, synthetic counties, the national interface's records."""
