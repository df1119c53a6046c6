"""S9: boosted trees over the coded features of several parties."""

from isthmus.vertical.boosting.active import active
from isthmus.vertical.boosting.given import Chance, Rows
from isthmus.vertical.boosting.passive import passive
from isthmus.vertical.boosting.spec import Boosting

__all__ = ["Boosting", "Chance", "Rows", "active", "passive"]
