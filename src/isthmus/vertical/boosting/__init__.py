"""S9: boosted trees over the coded features of several parties."""
