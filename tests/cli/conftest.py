import pytest

from inkread.training import mnist


@pytest.fixture
def small_data(monkeypatch, small_mnist):
    """The small data, in place of MNIST in every command."""
    monkeypatch.setattr(mnist, "load", lambda *_, **__: small_mnist)
    return small_mnist
