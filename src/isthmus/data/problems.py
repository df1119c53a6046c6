"""All that is wrong with one data set, told at once."""

from isthmus.core.errors import DataError


class Problems:
    """Sentences about a data set; none of them quotes a cell."""

    def __init__(self, where: str) -> None:
        """Begin without any.

        Args:
            where: The data set: its file or folder, or its database.
        """
        self._where = where
        self._found = list[str]()

    def add(self, problem: str) -> None:
        """Add a sentence, unless it was said before."""
        if problem not in self._found:
            self._found.append(problem)

    def __len__(self) -> int:
        return len(self._found)

    def refuse(self) -> None:
        """Refuse the data set if there are any problems.

        Raises:
            DataError: All of them, a line each.
        """
        if len(self._found) == 1:
            raise DataError(f"{self._where}: {self._found[0]}") from None
        if self._found:
            lines = [f"{self._where}: {len(self._found)} problems.", *self._found]
            raise DataError("\n- ".join(lines)) from None
