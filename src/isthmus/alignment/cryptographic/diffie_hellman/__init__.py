"""Two parties find the rows that both hold by Diffie-Hellman: cheap for few rows."""
