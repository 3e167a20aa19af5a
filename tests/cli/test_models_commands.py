from command_line import run


def test_models_lists_the_shipped_models():
    result = run("models")
    assert result.exit_code == 0
    for part in (
        "default",
        "glyph",
        "cascade-hands",
        "1.46 MB",
        "99.64% (n = 5,000)",
        "line",
        "2.49 MB",
    ):
        assert part in result.stdout


def test_models_has_headings_and_a_row_a_model(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")  # too narrow for all of it
    lines = run("models").stdout.splitlines()
    for heading in ("name", "kind", "recipe", "trained", "validation", "size", "state"):
        assert heading in lines[1]
    rows = [line.strip("│").split("│")[1].strip() for line in lines if line.startswith("│")]
    assert rows == ["glyph", "line", "layout"]
