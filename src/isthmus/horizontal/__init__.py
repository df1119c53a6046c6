"""Same columns, different samples: systems whose parties each hold some rows, all columns."""
