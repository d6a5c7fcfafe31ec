"""The pages of the service: what a person with a browser sees and does, with little script."""

from __future__ import annotations

from voyant.service.pages.install import install_pages

__all__ = ["install_pages"]
