"""S1: regression over the columns of two to five parties."""
