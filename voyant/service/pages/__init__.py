"""The service's pages: what a person with a browser sees and does, rendered here, with little script."""

from __future__ import annotations

from voyant.service.pages.install import install_pages

__all__ = ["install_pages"]
