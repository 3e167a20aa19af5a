import pytest

import inkread
from inkread import (
    BusyError,
    ConfigError,
    DataError,
    ImageError,
    InkreadError,
    ModelError,
    StoreError,
    errors,
)

ERRORS = [BusyError, ConfigError, DataError, ImageError, ModelError, StoreError]


def test_every_error_is_public_and_documented_in_the_tree():
    assert set(errors.__all__) <= set(inkread.__all__)
    for name in errors.__all__:
        assert getattr(inkread, name) is getattr(errors, name)
        assert name in errors.__doc__


@pytest.mark.parametrize("error", ERRORS)
def test_errors_derive_from_the_base_alone(error):
    assert error.__bases__ == (InkreadError,)


def test_the_base_is_not_an_error_of_another_kind():
    assert InkreadError.__bases__ == (Exception,)
    assert not issubclass(InkreadError, OSError | ValueError | TypeError)


@pytest.mark.parametrize("error", ERRORS)
def test_the_base_catches_every_error_with_its_message(error):
    with pytest.raises(InkreadError, match=r"^expected a, received b$"):
        raise error("expected a, received b")
