import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inkread.errors import BusyError, ConfigError
from inkread.files import check_target, hold_lock, replace_atomically, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def fail_halfway(path: Path, error: BaseException) -> None:
    with replace_atomically(path) as temporary:
        temporary.write_text("half")
        raise error


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.csv"
    path.write_text("old")
    return path


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (b"\x00\xff\r\n", b"\x00\xff\r\n"),
        ("Prüfung\r\n7\n", b"Pr\xc3\xbcfung\r\n7\n"),
        (b"", b""),
        ("", b""),
    ],
)
def test_bytes_are_written_as_they_are_and_text_as_utf_8(
    data: bytes | str, written: bytes, tmp_path: Path
):
    write_atomically(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == written
    assert names(tmp_path) == ["file"]


def test_an_old_file_is_replaced_whole(report: Path):
    report.write_text("old and longer")
    write_atomically(report, "new")
    assert report.read_text() == "new"
    assert names(report.parent) == ["report.csv"]


def test_folders_on_the_way_are_made(tmp_path: Path):
    write_atomically(tmp_path / "runs" / "first" / "report.csv", "new")
    assert (tmp_path / "runs" / "first" / "report.csv").read_text() == "new"


def test_the_old_file_stands_until_the_block_ends(report: Path):
    with replace_atomically(report) as temporary:
        temporary.write_text("new")
        assert report.read_text() == "old"
        assert temporary.parent == report.parent
    assert report.read_text() == "new"
    assert names(report.parent) == ["report.csv"]


@pytest.mark.parametrize("name", ["model.keras", "model.onnx", "no_suffix", ".hidden"])
def test_the_temporary_file_has_the_suffix_of_the_result(name: str, tmp_path: Path):
    with replace_atomically(tmp_path / name) as temporary:
        assert temporary.suffix == (tmp_path / name).suffix
        assert temporary.name != name
        temporary.write_text("new")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    "error", [ValueError("broken"), OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt()]
)
def test_a_failure_in_the_block_keeps_the_old_file_and_no_other(error: BaseException, report: Path):
    with pytest.raises(type(error)) as caught:
        fail_halfway(report, error)
    assert caught.value is error
    assert report.read_text() == "old"
    assert names(report.parent) == ["report.csv"]


def test_a_failure_leaves_nothing_where_nothing_was(tmp_path: Path):
    with pytest.raises(ValueError, match="broken"):
        fail_halfway(tmp_path / "report.csv", ValueError("broken"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_noticed_late_keeps_the_old_file(
    step: str, report: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(report, "new")
    assert report.read_text() == "old"
    assert names(report.parent) == ["report.csv"]


def test_the_content_is_on_the_disk_before_the_old_file_goes(
    report: Path, monkeypatch: pytest.MonkeyPatch
):
    found = []

    def fsync(handle: int) -> None:
        found.append((os.fstat(handle).st_size, report.read_text()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(report, "newer")
    assert (5, "old") in found


def test_a_parent_that_is_a_file_is_an_os_error(report: Path):
    with pytest.raises(OSError, match=r"report\.csv"):
        write_atomically(report / "inner.csv", "new")
    assert report.read_text() == "old"


def test_a_folder_in_the_place_of_the_file_is_kept(tmp_path: Path):
    (tmp_path / "report.csv").mkdir()
    with pytest.raises(OSError, match=r"report\.csv"):
        write_atomically(tmp_path / "report.csv", "new")
    assert names(tmp_path) == ["report.csv"]


def test_an_error_names_the_requested_file_and_not_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "report.csv").mkdir()
    with pytest.raises(OSError, match=r"directory: '[^']*report\.csv'$"):
        write_atomically(tmp_path / "report.csv", "new")

    def read_only(**options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", f"{options['dir']}/.writing-x.csv")

    monkeypatch.setattr("tempfile.mkstemp", read_only)
    with pytest.raises(PermissionError, match=r"denied: '[^']*new\.csv'$"):
        write_atomically(tmp_path / "new.csv", "new")


def test_an_error_about_another_file_keeps_its_name(report: Path):
    with pytest.raises(FileNotFoundError) as caught:
        fail_halfway(report, FileNotFoundError(errno.ENOENT, "absent", "source.csv"))
    assert caught.value.filename == "source.csv"


@pytest.mark.parametrize("name", ["report.csv", "new.PNG", "some/new/folder/why.png", "no_suffix"])
def test_what_can_be_written_is_a_target(name: str, report: Path):
    check_target(report.parent / name)
    assert names(report.parent) == ["report.csv"]
    assert report.read_text() == "old"


@pytest.mark.parametrize("name", ["why.png", "new/WHY.Png"])
def test_a_target_may_have_a_known_suffix(name: str, tmp_path: Path):
    check_target(tmp_path / name, (".png",))


@pytest.mark.parametrize(
    ("suffixes", "expected"), [((".png",), r"in \.png"), ((".a", ".b"), r"in one of \.a, \.b")]
)
def test_a_target_of_another_suffix_is_refused(
    suffixes: tuple[str, ...], expected: str, tmp_path: Path
):
    with pytest.raises(ConfigError, match=rf"a file ending {expected}, received .*why\.jpg"):
        check_target(tmp_path / "why.jpg", suffixes)


def test_a_folder_is_no_target(tmp_path: Path):
    with pytest.raises(ConfigError, match="received the folder"):
        check_target(tmp_path)


def test_a_path_through_a_file_is_no_target(report: Path):
    with pytest.raises(ConfigError, match=r"inner\.csv: .*report\.csv is a file"):
        check_target(report / "new" / "inner.csv")


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_is_that_of_any_new_file(mask: int, mode: int, tmp_path: Path):
    with umask(mask):
        write_atomically(tmp_path / "report.csv", "new")
        assert os.umask(mask) == mask
    assert stat.S_IMODE((tmp_path / "report.csv").stat().st_mode) == mode


def test_a_file_that_is_replaced_keeps_its_permissions(report: Path):
    report.chmod(0o600)
    with umask(0o022):
        write_atomically(report, "new")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_a_link_stays_and_the_file_that_it_leads_to_is_replaced(report: Path, tmp_path: Path):
    link = tmp_path / "link.csv"
    link.symlink_to(report)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert report.read_text() == "new"


def test_a_device_is_no_file_to_write():
    with pytest.raises(ConfigError, match="received the device /dev/null"):
        write_atomically(Path("/dev/null"), "7")


def test_a_lock_keeps_others_out_until_it_is_released(report: Path, tmp_path: Path):
    with hold_lock(report):
        told = f"report.csv is in use by process {os.getpid()}"
        with pytest.raises(BusyError, match=told), hold_lock(report):
            pass
        with hold_lock(tmp_path / "other.csv"):
            pass
    with hold_lock(report):
        pass
    assert names(tmp_path) == ["report.csv"]


def test_processes_take_turns_with_a_lock(report: Path):
    program = (
        "import sys; from pathlib import Path; from inkread.files import hold_lock\n"
        "path = Path(sys.argv[1])\n"
        "for _ in range(100):\n"
        "    with hold_lock(path, wait_s=60): path.write_text(str(int(path.read_text()) + 1))"
    )
    report.write_text("0")
    command = [sys.executable, "-c", program, str(report)]
    started = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    assert report.read_text() == "400"
