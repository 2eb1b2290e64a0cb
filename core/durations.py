from datetime import timedelta


def duration_text(length: timedelta | None) -> str:
    """Return a length of time as text, in whole seconds: "1 h 2 min 5 s"; a dash for None."""
    if length is None:
        return "—"
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{number} {unit}" for number, unit in ((hours, "h"), (minutes, "min"), (seconds, "s")) if number]
    return " ".join(parts) or "0 s"
