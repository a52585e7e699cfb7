"""Contributions → reasons: the few largest as sentences, the rest folded, all of it adding up to the score."""
