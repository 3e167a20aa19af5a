"""Forms: printed, filled in by hand, scanned, and read into a table; needs the extra [forms]."""

__all__: list[str] = []
