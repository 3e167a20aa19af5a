"""Settings of dependencies: they send nothing, and leave no files in the home folder.

These are environment variables, so child processes inherit them. One that is set already is kept.
"""

import os

__all__ = ["disable_telemetry", "keep_library_files_in_cache"]

_NO_TELEMETRY = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.32 sends events, and stores a device id
    "RAY_USAGE_STATS_ENABLED": "0",
}


def disable_telemetry() -> None:
    """Stop dependencies from reporting to their makers; to be called before they are imported."""
    for name, value in _NO_TELEMETRY.items():
        os.environ.setdefault(name, value)


def keep_library_files_in_cache() -> None:
    """Give Keras and matplotlib folders in our cache, unless the user has folders of their own.

    Both write configuration or a list of fonts when they are imported, so this comes before.
    """
    from pathlib import Path

    import platformdirs

    from inkread.files import get_cache_folder

    try:
        home = Path.home()
    except RuntimeError:  # a user without a home folder has none to keep clean
        return
    matplotlib_config = platformdirs.user_config_path("matplotlib", appauthor=False)
    users_own = {
        ("KERAS_HOME", "keras"): [home / ".keras"],
        ("MPLCONFIGDIR", "matplotlib"): [matplotlib_config, home / ".matplotlib"],
    }
    for (variable, name), folders in users_own.items():
        if not any(folder.is_dir() for folder in folders):
            os.environ.setdefault(variable, str(get_cache_folder() / name))
