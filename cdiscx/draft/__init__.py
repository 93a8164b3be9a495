"""A new study: a study file drafted from a workbook (`cdiscx new study`), and what is still open in one (`cdiscx lint`)."""

from cdiscx.draft.lint import Lint, lint_study
from cdiscx.draft.study_file import draft_study

__all__ = ["Lint", "draft_study", "lint_study"]
