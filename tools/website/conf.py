"""Sphinx's settings; `make site` copies them beside the pages."""

from __future__ import annotations

from typing import Any

project = "vmwidgets"
copyright = "vmwidgets contributors, BSD-3-Clause"  # noqa: A001  the name is Sphinx's
root_doc = "contents"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["static"]

html_theme = "furo"
html_title = "vmwidgets"
html_favicon = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"type": "module"}), ("kept.js", {"type": "module"})]
html_show_sphinx = False
html_copy_source = False
html_theme_options: dict[str, Any] = {
    "light_css_variables": {"color-brand-primary": "#0a5cc2", "color-brand-content": "#0a5cc2"},
    "dark_css_variables": {"color-brand-primary": "#7db4ff", "color-brand-content": "#7db4ff"},
    "footer_icons": [],
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}

myst_heading_anchors = 5
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_image_options = {"width": "100%"}

autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = False  # a range's arguments are in no source: over_a_range writes their signature
default_role = "code"
highlight_language = "default"
suppress_warnings = ["misc.highlighting_failure", "mystnb.unknown_mime_type", "myst.header"]
