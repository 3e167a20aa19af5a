"""More pictures than one machine reads: Ray, object storage, Parquet; needs the extra [ray]."""

__all__: list[str] = []
