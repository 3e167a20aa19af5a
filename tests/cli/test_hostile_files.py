"""Files that would take all memory or time: an error of their own, while the others are read."""

from dataclasses import replace

import pytest
from command_line import METER, run
from hostile_pdf import flate_bomb, many_curves

from inkread.batch.process_limits import ProcessLimits


@pytest.mark.parametrize("make", [flate_bomb, many_curves])
def test_a_hostile_pdf_costs_itself_alone(tmp_path, monkeypatch, make):
    little = replace(ProcessLimits(), max_bytes=1_200_000_000, max_cpu_s=10)
    monkeypatch.setattr("inkread.cli.read_command.ProcessLimits", lambda: little)
    path = tmp_path / "evil.pdf"
    path.write_bytes(make())
    result = run("read", path, METER, "--csv")
    assert "40713" in result.stdout
    if result.exit_code:
        assert result.exit_code == 1
        assert f"error: {path}: " in result.stderr
