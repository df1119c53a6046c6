"""Jobs whose parties hold columns of the same rows, which are aligned first."""
