"""Numbers of products that a residual may be made of."""

from typing import assert_never

from isthmus.vertical.regression.spec import Regression


def most_products(spec: Regression, passives: int) -> int:
    """Count the products that make up a residual at most.

    Args:
        spec: The `[regression]` table.
        passives: Passive parties.

    Returns:
        How many; 0 where the shares of residuals just add up.

    Raises:
        ValueError: The family is multinomial, which `Regression` refuses.
    """
    match spec.family:
        case "binomial":
            return spec.sharing.most_functions
        case "gaussian":
            return int(passives > 1)
        case "poisson" | "gamma":
            return 1
        case "tweedie":
            return 2
        case "multinomial":
            raise ValueError("there are no products for a multinomial family")
        case _:
            assert_never(spec.family)


def fewest_products(spec: Regression, passives: int) -> int:
    """Returns how many products make up a residual at least."""
    return 1 if spec.family == "binomial" else most_products(spec, passives)
