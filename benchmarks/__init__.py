"""Speed and quality against peers and limits; every figure a ratio, or measured in the same run."""
