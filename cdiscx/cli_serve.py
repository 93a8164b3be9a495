"""The verb `cdiscx serve`: the local page."""

from __future__ import annotations

import click


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port; 0 takes a free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address, do not open it.")
@click.option(
    "--study", "studies", multiple=True, metavar="FILE", help="Own study file to choose from (may be repeated)."
)
@click.option(
    "--limit", type=click.IntRange(1, 2000), default=50, show_default=True, help="MB that may be sent at a time."
)
@click.option("--keep", type=click.IntRange(1, 100), default=10, show_default=True, help="Runs kept until the end.")
@click.option("--minutes", type=click.IntRange(1, 1440), default=30, show_default=True, help="Longest time of a run.")
@click.option("--memory", type=click.IntRange(256), default=4096, show_default=True, help="MB of memory a run may use.")
@click.option("--ledger", metavar="FILE", help="Ledger of queries that every run is added to: SQLite file or URL.")
@click.option("--who", metavar="NAME", help="Who runs this, for the ledger (default: the user of this system).")
@click.option(
    "--lang", type=click.Choice(("en", "zh")), default="en", show_default=True, help="Language of the page and reports."
)
def serve(
    port: int,
    no_browser: bool,
    studies: tuple[str, ...],
    limit: int,
    keep: int,
    minutes: int,
    memory: int,
    ledger: str | None,
    who: str | None,
    lang: str,
) -> None:
    """Check workbooks in a browser of this machine: findings, lesions over time, downloads.

    Served on 127.0.0.1 only, to the one browser that opens the printed address; nothing leaves the machine, and all
    uploads and results are removed at the end (Ctrl-C). With --ledger the page says of every query whether it is new,
    still open, resolved, reopened or accepted; the ledger stays.
    """
    from cdiscx.serve.door import choices_of, ready_ledger
    from cdiscx.serve.door import serve as run
    from cdiscx.serve.settings import MEGABYTE, Settings

    settings = Settings(
        choices_of(studies, lang),
        port=port,
        upload=limit * MEGABYTE,
        kept=keep,
        seconds=minutes * 60,
        memory=memory * MEGABYTE,
        lang=lang,
        ledger=ready_ledger(ledger),
        who=who,
    )
    run(settings, click.echo, browser=not no_browser)
