"""Parts of equal size, such as the keys of several outputs in one message."""


def equal_parts(data: bytes, count: int) -> list[bytes]:
    """Split bytes.

    Args:
        data: The bytes.
        count: Number of parts.

    Returns:
        Parts of equal size.

    Raises:
        ValueError: The bytes cannot be split so.
    """
    size, left = divmod(len(data), count)
    if left:
        raise ValueError(f"{len(data)} bytes are not {count} equal parts")
    return [data[at * size : (at + 1) * size] for at in range(count)]
