"""The service: HTTP API, page, and the store of corrections; needs the extra [web]."""

__all__: list[str] = []
