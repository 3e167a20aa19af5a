import datetime
import subprocess
import sys
from decimal import Decimal

import pytest

from inkread.errors import BusyError, ConfigError, DataError
from inkread.forms.form_reader import FieldReading, Status
from inkread.forms.journal import FormRecord, Journal
from inkread.forms.template import parse

TEXT = """
form: small
page: [80, 90]
fields:
  - {name: a, kind: comb, cells: 3, pattern: '0\\d\\d', box: [10, 30, 40, 38]}
  - {name: paid, kind: amount, cells: 4, box: [10, 48, 50, 56]}
  - {name: day, kind: date, box: [20, 62, 70, 69]}
  - {name: ok, kind: tick, box: [60, 30, 66, 36]}
"""
TEMPLATE = parse(TEXT)


def record(number, **changes):
    values = {
        "a": "007",
        "paid": Decimal("12.50"),
        "day": datetime.date(2024, 2, 29),
        "ok": True,
        **changes,
    }
    fields = tuple(FieldReading(name, value, 0.9, Status.OK) for name, value in values.items())
    return FormRecord("s.png", 1, f"{number:064x}"[::-1], fields, None, 0.03, 150.0, 0.0)


@pytest.fixture
def journal(tmp_path):
    found = Journal(tmp_path / "t.csv.journal", TEMPLATE, {})
    found.open()
    for number in (1, 2):
        found.add([record(number)], record(number).sha256)
    return found


def reopen(journal):
    found = Journal(journal.path, TEMPLATE, {})
    found.open()
    return found


def values_of(journal):
    return [[field.value for field in each.fields] for each in journal.read_records()]


def test_a_correction_after_half_a_line_is_kept_and_the_half_line_is_not(journal):
    before = values_of(journal)
    whole = journal.path.read_bytes()
    for cut in (1, 40, len(whole) // 3):
        journal.path.write_bytes(whole + whole[-len(whole) // 3 : -cut])
        late = Journal(journal.path, TEMPLATE, {})
        late.correct(record(1).form_id, "a", "008")
        assert values_of(late) == [["008", *before[0][1:]], before[1]]
        again = reopen(late)
        assert again.done == journal.done
        assert values_of(again) == values_of(late)


def test_pages_of_an_unfinished_file_before_a_correction_are_not_doubled(journal):
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + record(3).to_json().encode() + b"\n")
    Journal(journal.path, TEMPLATE, {}).correct(record(1).form_id, "a", "008")
    again = reopen(journal)
    again.add([record(3)], record(3).sha256)
    assert [each.form_id for each in again.read_records()] == [
        record(number).form_id for number in (1, 2, 3)
    ]


def test_a_journal_whose_first_line_was_cut_off_is_begun_anew(tmp_path):
    path = tmp_path / "j"
    Journal(path, TEMPLATE, {}).open()
    path.write_bytes(path.read_bytes()[:-20])
    Journal(path, TEMPLATE, {}).open()
    assert list(Journal(path, TEMPLATE, {}).read_records()) == []
    path.write_bytes(b"a letter")
    with pytest.raises(ConfigError, match="journal"):
        Journal(path, TEMPLATE, {}).open()


def test_a_correction_that_is_taken_back_leaves_what_was_read(journal):
    form_id = record(1).form_id
    journal.correct(form_id, "a", "008")
    journal.correct(form_id, "paid", "1.25")
    restored = journal.take_back(form_id, "a")
    assert restored.fields[0] == record(1).fields[0]
    assert restored.fields[1].status is Status.CORRECTED
    journal.correct(form_id, "ok", "false")
    fields = next(reopen(journal).read_records()).fields
    assert [each.value for each in fields[:2]] == ["007", Decimal("1.25")]
    assert fields[3] == FieldReading("ok", False, 1.0, Status.CORRECTED)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a", "0" * 5000, "at most 3 digits, received 5,000"),
        ("a", "0000", "at most 3 digits"),
        ("a", "\u0660\u0661\u0662", "expected digits"),
        ("paid", "1" * 40, "at most 4 digits"),
        ("paid", "\u0661.25", "expected an amount"),
        ("paid", "123.45", "at most 4 digits"),
        ("day", "2024-W09-4", "expected a date such as"),
        ("day", "31022021", "day"),
        ("ok", "", "expected true or false"),
        ("a", "107", "expected the pattern"),
    ],
)
def test_what_no_field_can_hold_is_refused_and_nothing_is_written(journal, name, text, said):
    before = journal.path.read_bytes()
    with pytest.raises(DataError, match=said):
        journal.correct(record(1).form_id, name, text)
    assert journal.path.read_bytes() == before


def test_an_objection_is_overruled_by_hand(journal):
    changed = journal.correct(record(1).form_id, "a", "107", anyway=True)
    assert changed.fields[0].value == "107"


def test_reading_again_keeps_what_people_typed(journal):
    journal.correct(record(1).form_id, "a", "008")
    journal.correct(record(2).form_id, "paid", "1.25")
    again = journal.begin_again()
    again.open()
    again.add([record(1, a="003", paid=Decimal("9.99"))], record(1).sha256)
    assert values_of(journal)[0][0] == "008"  # until it is done, the old one stands
    assert again.replace(journal) == 1  # the second form was not read
    assert values_of(journal)[0][:2] == ["008", Decimal("9.99")]
    old = Journal(journal.kept_path, TEMPLATE, {})
    assert values_of(old)[1][1] == Decimal("1.25")
    assert not again.path.exists()


def test_one_process_at_a_time_writes_and_the_second_is_told_which(journal):
    program = (
        "import sys; from pathlib import Path; from inkread.forms.journal import Journal\n"
        "from inkread.forms.template import parse\n"
        f"with Journal(Path({str(journal.path)!r}), None, {{}}).hold():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(BusyError, match=f"in use by process {holder.pid}"),
            journal.hold(wait_s=0),
        ):
            pass
        holder.kill()  # however it ends, the lock ends with it
    with journal.hold(wait_s=0):
        journal.correct(record(1).form_id, "a", "008")
    assert [path.name for path in journal.path.parent.iterdir()] == [journal.path.name]


def test_a_full_disk_leaves_the_journal_as_it_was(journal):
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from inkread.forms.journal import Journal; from inkread.forms.template import load\n"
        f"path = Path({str(journal.path)!r}); size = path.stat().st_size\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))\n"
        "journal = Journal(path, load(sys.argv[1]), {})\n"
        "try: journal.correct(next(journal.read_records()).form_id, 'a', '008')\n"
        "except OSError as error: print(error.strerror)"
    )
    template = journal.path.with_name("t.yaml")
    template.write_text(TEXT)
    before = journal.path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", program, str(template)], stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == b"File too large\n"
    assert journal.path.read_bytes() == before
