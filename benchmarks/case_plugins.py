"""What do five hundred installed plugins add to start-up?

Each is a distribution of its own, as pip leaves it: metadata, an entry point, a module with one
registered generator. The whole process is timed, from its start to a complete list of generators:
finding the plugins, importing them, registering what they have.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from harness import CACHE, Contender, Goal, Options, Report, alternate

PLUGINS = 500
FOLDER = CACHE / f"{PLUGINS}_plugins"
CODE = '''"""Do nothing."""

from voyant.core.plugin_registry import register


@register("made_{number}", order=200)
def generate(ctx):
    """Make nothing."""
    return {{}}
'''
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from voyant.core.plugin_registry import list_generators
found = [entry["name"] for entry in list_generators() if entry["plugin"]]
if len(found) != int(sys.argv[2]):
    sys.exit(f"{len(found)} plugins were loaded")
"""


def install() -> None:
    """Lay out what pip leaves of each package."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for number in range(PLUGINS):
        name = f"voyant_made_{number}"
        info = FOLDER / f"{name}-1.0.0.dist-info"
        info.mkdir(parents=True)
        (FOLDER / f"{name}.py").write_text(CODE.format(number=number), encoding="utf-8")
        metadata = f"Metadata-Version: 2.3\nName: {name}\nVersion: 1.0.0\nSummary: Nothing.\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        points = f"[voyant.generators]\nmade_{number} = {name}\n"
        (info / "entry_points.txt").write_text(points, encoding="utf-8")
        (info / "RECORD").write_text("", encoding="utf-8")


def run(options: Options) -> Report:
    """Let a process without plugins and one with all of them take turns."""
    install()
    none = CACHE / "no_plugins"
    none.mkdir(parents=True, exist_ok=True)

    def starting(name: str, folder: Path, expected: int) -> Contender:
        argv = (sys.executable, "-c", SCRIPT, str(folder), str(expected))
        return Contender(name=name, argv=argv)

    rows = alternate(
        [starting("no plugin", none, 0), starting(f"{PLUGINS} plugins", FOLDER, PLUGINS)],
        options.runs,
    )
    return Report(
        case=f"plugins: start-up with {PLUGINS} of them",
        unit="seconds",
        rows=rows,
        goals=[
            Goal(
                text=f"seconds that {PLUGINS} plugins add",
                measured=rows[1].value - rows[0].value,
                limit=0.3,
            )
        ],
    )
