"""Steps between alignment and training: columns become numbers that a linear model can use."""
