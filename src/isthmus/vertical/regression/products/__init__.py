"""X^T d under encryption: one party has the columns X and gets the sums, the other the values d."""
