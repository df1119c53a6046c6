"""S1: linear and logistic regression over the columns of two parties."""

from isthmus.vertical.regression.active import active
from isthmus.vertical.regression.passive import passive
from isthmus.vertical.regression.spec import Regression

__all__ = ["Regression", "active", "passive"]
