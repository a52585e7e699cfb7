"""Things that learn, and things that do not: LightGBM, logistic regression, the practitioners' rules, and chance."""
