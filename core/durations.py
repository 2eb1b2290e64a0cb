from datetime import timedelta


def duration_text(length: timedelta | None) -> str:
    """A length of time in words: "1 h 2 min 5 s", as exact as seconds; a dash where it is not known."""
    if length is None:
        return "—"
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{number} {unit}" for number, unit in ((hours, "h"), (minutes, "min"), (seconds, "s")) if number]
    return " ".join(parts) or "0 s"
