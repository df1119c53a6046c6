"""Regression in which nobody sees a residual, a predictor or a combination of columns."""
