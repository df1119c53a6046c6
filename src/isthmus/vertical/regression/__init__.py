"""S1: linear and logistic regression over the columns of two parties."""
