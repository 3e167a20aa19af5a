import threading

import numpy as np
import pytest

from inkread.models.registry import Registry
from inkread.models.runtime import list_shipped_models
from inkread.web.live_reader import LiveReader

SHIPPED = list_shipped_models()["default"]


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "models")


def test_a_live_reader_follows_promotions_and_rollbacks(registry):
    live = LiveReader(registry, threads=1)
    before = live.reader()
    assert before.model.path == SHIPPED
    assert live.reader() is before
    promoted = registry.promote(SHIPPED, "glyph").path
    after = live.reader()
    assert after.model.path == promoted
    assert live.reader() is after
    assert before.classify(np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)  # still reads
    registry.roll_back()
    assert live.reader().model.path == SHIPPED


def test_a_live_reader_starts_with_what_was_promoted(registry):
    promoted = registry.promote(SHIPPED, "glyph").path
    assert LiveReader(registry, threads=1).reader().model.path == promoted


def test_a_live_reader_keeps_its_model_where_the_next_is_broken(registry, caplog):
    promoted = registry.promote(SHIPPED, "glyph").path
    live = LiveReader(registry, threads=1)
    registry.promote(SHIPPED, "glyph").path.write_bytes(b"broken")
    assert live.reader().model.path == promoted
    assert live.reader().model.path == promoted
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "glyph-0001 stays in use" in caplog.text
    registry.roll_back()
    registry.promote(SHIPPED, "glyph")
    assert live.reader().model.name == "glyph-0003"


def test_no_reading_fails_while_models_change(registry):
    def read():
        while not is_over.is_set():
            seen.add(live.reader().classify(glyphs).shape)

    glyphs = np.zeros((1, 28, 28), np.uint8)
    live, seen, is_over = LiveReader(registry, threads=1), set(), threading.Event()
    failures = []
    threads = [threading.Thread(target=read) for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", failures.append)
        for thread in threads:
            thread.start()
        for _ in range(5):
            registry.promote(SHIPPED, "glyph")
            live.reader()
            registry.roll_back()
        is_over.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert seen == {(1, 10)}
