"""Is it still true? Hit rates of what was published, with the audit share beside the ranked one, and drift of scores."""
