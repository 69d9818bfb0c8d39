"""How `make docs` turns these pages into a site."""

import importlib.metadata

project = "fitfeed"
release = importlib.metadata.version("fitfeed")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
html_theme = "furo"
html_title = f"fitfeed {release}"
html_show_copyright = False

myst_heading_anchors = 4  # as on GitHub, so that links work in both
copybutton_prompt_text = "$ "

default_role = "literal"  # docstrings say `name`, as Markdown does
napoleon_use_ivar = True  # a NamedTuple's fields are documented once, in its docstring
python_maximum_signature_line_length = 100  # one argument a line
