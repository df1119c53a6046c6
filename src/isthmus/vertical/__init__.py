"""Same samples, different columns: systems whose parties each hold some columns of every row."""
