from command_line import run


def test_models_lists_the_shipped_models():
    result = run("models")
    assert result.exit_code == 0
    for part in (
        "default",
        "glyph",
        "cascade",
        "1.54 MB",
        "99.70% (n = 5,000)",
        "line",
        "1.30 MB",
    ):
        assert part in result.stdout
