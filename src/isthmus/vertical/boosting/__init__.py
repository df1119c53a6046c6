"""S9: gradient-boosted trees over the columns of several parties."""
