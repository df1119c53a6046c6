"""How good a model is, in numbers, figures and one page."""
