"""Embedding: the test images as points, laid out by what a layer makes of them, at one epoch or through all."""

from pages.sections.embedding.section import embedding_section
from pages.shared.network.comparison import require_weights
from pages.shared.shell.layout import next_step, page, show_errors

page("embedding")
with show_errors():
    embedding_section(require_weights())
next_step("Ask which pixels mattered", "explain")
