"""Spans of time for people."""

_EXACT = 10.0  # seconds, below which a decimal tells something


def duration(seconds: float) -> str:
    """Returns a span of time as people say it, such as `2 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s"
    return f"{seconds:.1f} s" if seconds < _EXACT else f"{rest} s"
