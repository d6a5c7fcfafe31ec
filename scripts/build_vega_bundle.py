"""Make `voyant/report/vendor/vega-bundle.js.gz` again, after a new version of vl-convert."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import ModuleType
from typing import cast

import vl_convert

from voyant.report.vega_render import VEGA_LITE_VERSION

#: What the bundle gives to the page: `chart.js` needs no more.
SNIPPET = "window.vegaEmbed = vegaEmbed;"

TARGET = Path(__file__).parents[1] / "voyant" / "report" / "vendor" / "vega-bundle.js.gz"

if __name__ == "__main__":
    script: str = cast("ModuleType", vl_convert).javascript_bundle(
        SNIPPET, vl_version=VEGA_LITE_VERSION
    )
    TARGET.write_bytes(gzip.compress(script.encode(), compresslevel=9, mtime=0))
    print(f"{TARGET.name}: {len(script):,} characters")
